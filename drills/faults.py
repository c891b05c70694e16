"""What may happen to a pair, brought about from outside: nothing here logs in to a machine."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from drills.observe import enter
from stacks.plan_types import NodePlan


@contextmanager
def cut(netns: str, nodes: tuple[NodePlan, NodePlan], networks: Iterable[str]) -> Iterator[None]:
    """Let no frame pass between two nodes in these networks; everybody else reaches both.

    The bridges drop by hardware address, so that the cards' links stay up, as they do when the
    switch between two machines fails.

    Args:
        netns: namespace with the bridges. nodes: the two. networks: by name.
    """
    one, other = nodes
    table = f"drill{os.getpid()}"
    rules = [f"table bridge {table} {{", " chain cut {", "  type filter hook forward priority 0;"]
    for network in networks:
        macs = one.interface(network).mac, other.interface(network).mac
        for source, target in (macs, macs[::-1]):
            rules.append(f"  ether saddr {source} ether daddr {target} drop")
    rules += [" }", "}"]
    _nft(netns, "\n".join(rules))
    try:
        yield
    finally:
        _nft(netns, f"delete table bridge {table}")


def _nft(netns: str, text: str) -> None:
    subprocess.run([*enter(netns), "nft", "-f", "-"], input=text, text=True, check=True)
