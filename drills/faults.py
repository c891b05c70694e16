"""What may happen to a pair: context managers that heal when they end.

From outside wherever that is possible: bridges, the hypervisor, the path to the fence endpoint.
What only exists inside a machine is done there by ``pairwise exec``: a process killed, a service
stopped, a file system filled, a disk detached.

A detached backing disk is ``drbdadm detach`` on the running Primary: the kernel then does what
``on-io-error detach`` does after an error. The kernel of the image has no device that fails on
command below DRBD (dm-error would have to be there before the resource is attached).
"""

from __future__ import annotations

import itertools
import os
import shlex
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address

from drills.observe import enter
from drills.running import LiveStack
from stacks.plan_data_types import FencePlan
from stacks.plan_types import NodePlan

TABLE = "drill"
"""First part of the name of each nftables table that a fault makes, in the lab's namespace."""
FILLER = "pairwise-drill-filler"
"""File that fills a file system."""
_numbers = itertools.count(1)


@contextmanager
def cut(
    netns: str,
    nodes: tuple[NodePlan, NodePlan],
    networks: Iterable[str],
    *,
    both_ways: bool = True,
) -> Iterator[None]:
    """Let no frame pass between two nodes in these networks; everybody else reaches both.

    The bridges drop by hardware address, so that the cards' links stay up, as they do when the
    switch between two machines fails.

    Args:
        netns: namespace with the bridges. nodes: the two. networks: by name.
        both_ways: False drops only what the first node sends to the second.
    """
    one, other = nodes
    rules = [" chain cut {", "  type filter hook forward priority 0;"]
    for network in networks:
        macs = one.interface(network).mac, other.interface(network).mac
        for source, target in (macs, macs[::-1])[: 2 if both_ways else 1]:
            rules.append(f"  ether saddr {source} ether daddr {target} drop")
    with _table(netns, "bridge", [*rules, " }"]):
        yield


@contextmanager
def endpoint_down(netns: str, nodes: Iterable[NodePlan], fence: FencePlan) -> Iterator[None]:
    """Have the fence endpoint refuse these nodes' connections, as it does when its sshd is down."""
    sources = ", ".join(str(node.management_address) for node in nodes)
    rule = f"ip saddr {{ {sources} }} ip daddr {fence.endpoint} tcp dport {fence.port}"
    rules = [
        " chain endpoint {",
        "  type filter hook input priority -10;",
        f"  {rule} reject with tcp reset",
        " }",
    ]
    with _table(netns, "inet", rules):
        yield


@contextmanager
def ping_dead(
    netns: str, nodes: Iterable[NodePlan], network: str, address: IPv4Address
) -> Iterator[None]:
    """Have an address of the hypervisor answer no ping of these nodes."""
    sources = ", ".join(str(node.interface(network).address) for node in nodes)
    rules = [
        " chain ping {",
        "  type filter hook input priority -10;",
        f"  ip saddr {{ {sources} }} ip daddr {address} icmp type echo-request drop",
        " }",
    ]
    with _table(netns, "inet", rules):
        yield


@contextmanager
def power_cut(stack: LiveStack, *nodes: str) -> Iterator[None]:
    """Cut machines' power; they are started again at the end where they are still off."""
    for node in nodes:
        stack.crash(node)
    try:
        yield
    finally:
        start_again(stack, nodes)


def start_again(stack: LiveStack, nodes: Iterable[str]) -> None:
    """Start those of the machines that do not run."""
    for node in nodes:
        if stack.machine_state(node) != "running":
            stack.start(node)


@contextmanager
def frozen(stack: LiveStack, node: str) -> Iterator[None]:
    """Stop a machine's processors and let them go on at the end, unless it was powered off."""
    machine = stack.node(node).machine
    stack.virsh("suspend", machine)
    try:
        yield
    finally:
        if stack.machine_state(node) == "paused":
            stack.virsh("resume", machine)


@contextmanager
def link_down(stack: LiveStack, node: str, network: str) -> Iterator[None]:
    """Pull a machine's cable in one network: its card sees no carrier."""
    machine, mac = stack.node(node).machine, stack.node(node).interface(network).mac
    stack.virsh("domif-setlink", machine, mac, "down")
    try:
        yield
    finally:
        stack.virsh("domif-setlink", machine, mac, "up")


@contextmanager
def service_stopped(stack: LiveStack, node: str, unit: str) -> Iterator[None]:
    """Stop a unit by hand; it is started again at the end where it does not run."""
    stack.exec(node, f"systemctl stop {unit}")
    try:
        yield
    finally:
        stack.exec(node, f"systemctl is-active --quiet {unit} || systemctl start {unit}")


def killed(stack: LiveStack, node: str, process: str) -> None:
    """Kill every process of a name (comm) at once, by SIGKILL. Whoever owns it starts it again."""
    stack.exec(node, f"pkill -KILL -x {shlex.quote(process)}")


@contextmanager
def filled(stack: LiveStack, node: str, folder: str) -> Iterator[None]:
    """Leave no free block on the file system that holds a folder."""
    path = shlex.quote(f"{folder}/{FILLER}")
    # fallocate takes what is free in large pieces, dd the rest; both end with "no space left".
    fill = (
        f"free=$(df --output=avail -B1 {shlex.quote(folder)} | tail -1);"
        f" fallocate -l $free {path}; dd if=/dev/zero bs=4k of={path} oflag=append conv=notrunc;"
        " sync -f " + path
    )
    stack.exec(node, f"{fill} 2>/dev/null || true")
    try:
        yield
    finally:
        stack.exec(node, f"rm -f {path}", check=False)


@contextmanager
def disk_detached(stack: LiveStack, node: str, resource: str) -> Iterator[None]:
    """Take a node's backing disk from under DRBD, which goes on with the peer's."""
    stack.exec(node, f"drbdadm detach {resource}")
    try:
        yield
    finally:
        stack.exec(node, f"drbdadm attach {resource}", check=False)


def heal_all(stack: LiveStack) -> None:
    """Undo whatever a drill that was killed has left: rules, links, frozen and dead machines."""
    for family, name in _tables(stack.inside("nft", "list", "tables")):
        _nft(stack.netns, f"delete table {family} {name}")
    for name, node in stack.plan.nodes.items():
        state = stack.machine_state(name)
        if state == "paused":
            stack.virsh("resume", node.machine)
        elif state != "running":
            stack.start(name)
        for interface in node.interfaces:
            if "down" in stack.virsh("domif-getlink", node.machine, interface.mac):
                stack.virsh("domif-setlink", node.machine, interface.mac, "up")


def _tables(listing: str) -> list[tuple[str, str]]:
    """(family, name) of our tables in what ``nft list tables`` prints."""
    words = [line.split() for line in listing.splitlines()]
    return [(word[1], word[2]) for word in words if len(word) == 3 and word[2].startswith(TABLE)]


@contextmanager
def _table(netns: str, family: str, chains: list[str]) -> Iterator[None]:
    name = f"{TABLE}{os.getpid()}_{next(_numbers)}"
    _nft(netns, "\n".join([f"table {family} {name} {{", *chains, "}"]))
    try:
        yield
    finally:
        _nft(netns, f"delete table {family} {name}")


def _nft(netns: str, text: str) -> None:
    subprocess.run([*enter(netns), "nft", "-f", "-"], input=text, text=True, check=True)
