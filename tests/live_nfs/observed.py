"""What these tests look at: holders, acknowledged writes, requests to the fence endpoint."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from drills.arp import RATE_HZ
from drills.observe import MIN_SAMPLED, Observation, holders, observer, sampled_share
from drills.running import PAIRWISE, LiveStack
from drills.wait import wait_until
from drills.workloads.append import EVERY_S, PROGRAM, Appender, appending

FILE = "/srv/files/appended"
ON_SERVER = "/srv/nfs/export/appended"
CLIENT = "client1"
NODES = ("nfs1", "nfs2")
MOVE_S = 300
"""A take-over takes half a minute here; others may keep the processors busy."""


@dataclass(frozen=True)
class Watched:
    """A stack while something happens to it."""

    stack: LiveStack
    arp: Observation
    writes: Appender

    def assert_never_two_holders(self) -> None:
        """At most one holder of the VIP at every instant, and enough samples to say so."""
        share = sampled_share(self.arp.samples, rate_hz=RATE_HZ, vips=1)
        assert share >= MIN_SAMPLED, f"only {share:.0%} of the ARP samples were taken"
        doubles = [sample for sample in self.arp.samples if len(sample["macs"]) > 1]
        assert not doubles, f"two holders at once: {doubles[:3]}"

    def holders(self) -> list[str]:
        """Nodes that held the VIP, one entry for each change; silence left out."""
        (changes,) = holders(self.arp.samples).values()
        nodes = [self.stack.node_of_mac(macs[0]) for _, macs in changes if macs]
        return [node for place, node in enumerate(nodes) if nodes[place - 1 : place] != [node]]


@contextmanager
def watching(stack: LiveStack) -> Iterator[Watched]:
    """Watch the VIP by ARP while the client appends and fsyncs."""
    (vip,) = stack.plan.vips_of("nfs")
    bridge = stack.plan.networks["lan"].bridge
    stack.exec(CLIENT, f"setpriv --reuid www-data --regid www-data --clear-groups rm -f {FILE}")
    writer = ["setpriv", "--reuid", "www-data", "--regid", "www-data", "--clear-groups"]
    program = shlex.join([*writer, "python3", "-c", PROGRAM, FILE, str(EVERY_S)])
    argv = [str(PAIRWISE), "exec", stack.name, CLIENT, "--", program]
    with (
        observer(stack.netns, "drills.arp", bridge, str(vip.address)) as arp,
        appending(argv) as to,
    ):
        to.wait_for_more(10, timeout_s=60)
        arp.wait_for_more(5, timeout_s=30)
        yield Watched(stack, arp, to)


def in_file(stack: LiveStack) -> list[int]:
    """The numbers in the file, as the server has them on its disk."""
    text = stack.exec(holder(stack), f"cat {ON_SERVER}")
    return [int(line) for line in text.split()]


def holder(stack: LiveStack) -> str:
    """The node that has the group, once one has."""

    def found() -> str | None:
        (pair,) = stack.status()["pairs"]
        (group,) = pair["groups"]
        return str(group["active"]) if group["active"] else None

    return str(wait_until(found, what="a holder of the group", timeout_s=MOVE_S, every_s=2))


def other(node: str) -> str:
    """The node's peer."""
    return next(name for name in NODES if name != node)


def powered_off(stack: LiveStack) -> list[str]:
    """Nodes that the fence endpoint has powered off or found off, in order."""
    answer = json.loads(stack.pairwise("fence", "log", stack.name, "--json").stdout)
    return [
        entry["peer"]
        for entry in answer["requests"]
        if entry["verb"] == "off" and entry["result"] == "off"
    ]
