"""What may happen to a pair: context managers that heal when they end.

From outside wherever that is possible: bridges, the hypervisor, the fence endpoint and the path to
it, the processors of this machine. What only exists inside a machine is in ``faults_inside``.
"""

from __future__ import annotations

import fcntl
import itertools
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from ipaddress import IPv4Address
from typing import IO

from drills import described
from drills.faults_inside import remnants
from drills.observe import NICE, enter
from drills.running import LiveStack
from drills.wait import wait_until
from stacks.plan_data_types import FencePlan
from stacks.plan_types import NodePlan

TABLE = "drill"
"""First part of the name of each nftables table that a fault makes, in the lab's namespace."""
LOCK_S = 100
"""The endpoint gives a request that waits for its lock up after 90 s (lab.fence_endpoint)."""
BUSY = """\
import os, sys, time
until = time.monotonic() + float(sys.argv[1])
while os.getppid() == int(sys.argv[2]) and time.monotonic() < until:
    for _ in range(100_000):
        pass
"""
"""Python source; arguments: seconds, and the process whose end is its own."""
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
def adverts_dropped(netns: str, node: NodePlan, networks: Iterable[str]) -> Iterator[None]:
    """Let no VRRP advert arrive at a node; everything else does."""
    rules = [" chain adverts {", "  type filter hook forward priority 0;"]
    for network in networks:
        # ``ether type ip`` first, or nft would look for the protocol at another place.
        rules.append(
            f"  ether type ip ether daddr {node.interface(network).mac} ip protocol 112 drop"
        )
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


@contextmanager
def shut_down(stack: LiveStack, node: str) -> Iterator[None]:
    """Have a machine shut itself down, as a person does; it is started again at the end where it is
    still off. Returns while it goes down."""
    stack.exec(node, "systemctl poweroff", check=False)
    try:
        yield
    finally:
        start_again(stack, [node])


def start_again(stack: LiveStack, nodes: Iterable[str]) -> None:
    """Start those of the machines that do not run."""
    for node in nodes:
        if stack.machine_state(node) != "running":
            stack.start(node)


def rebuild_quarantined(
    stack: LiveStack,
    problems: Iterable[str],
    rebuilt: set[str],
    say: Callable[[str], object] = print,
) -> None:
    """Rebuild each node that ``status`` calls quarantined, once, and add it to ``rebuilt``."""
    for node in stack.plan.nodes:
        if node not in rebuilt and any(f"{node} is quarantined" in text for text in problems):
            rebuilt.add(node)
            say(f"{node} is quarantined: pairwise replication rebuild")
            stack.pairwise("replication", "rebuild", stack.name, node)


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
def power_off_held(stack: LiveStack, pair: str) -> Iterator[None]:
    """Have the fence endpoint carry out no power-off of a pair until the end.

    Requests wait for the pair's lock, as they do behind one that takes long; questions are
    answered. The kernel drops the lock of a drill that was killed.

    Raises:
        RuntimeError: it is not said where the endpoint keeps its locks.
    """
    if stack.fence is None:
        raise RuntimeError("The state folder of the fence endpoint is not known to this drill.")
    with (stack.fence / f"{stack.name}-{pair}.lock").open("a") as handle:
        wait_until(lambda: _locks(handle), what=f"the lock of {pair}", timeout_s=LOCK_S)
        yield


def _locks(handle: IO[str]) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def machine_lost(stack: LiveStack, node: str) -> Iterator[None]:
    """Remove a machine that is off with every volume of its own, data and all. What heals it at
    the end is ``up``."""
    machine = stack.node(node).machine
    with described.put_back_by_up(stack):
        stack.virsh("undefine", machine)
        for pool in stack.virsh("pool-list", "--name").split():
            rows = [line.split() for line in stack.virsh("vol-list", pool).splitlines()]
            for volume in (row[0] for row in rows if row and row[0].startswith(f"{machine}-")):
                stack.virsh("vol-delete", volume, "--pool", pool)
        yield


@contextmanager
def cores_busy(seconds: float) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Keep every processor of this machine busy, at nice 10 as everything of ours.

    Each of the processes ends by itself after the time and when its drill is gone.
    """
    argv = [*NICE, sys.executable, "-c", BUSY, str(seconds), str(os.getpid())]
    processes = [subprocess.Popen(argv) for _ in range(os.cpu_count() or 1)]
    try:
        yield processes
    finally:
        for process in processes:
            process.terminate()
            process.wait()


def heal_all(stack: LiveStack) -> None:
    """Undo whatever a drill that was killed has left: rules, links, frozen and dead machines, what
    it did within nodes, a machine that it removed, a description that it changed."""
    for family, name in _tables(stack.inside("nft", "list", "tables")):
        _nft(stack.netns, f"delete table {family} {name}")
    to_put_back = described.is_otherwise(stack)
    known = stack.machines()
    for name, node in stack.plan.nodes.items():
        if to_put_back and node.machine not in known:
            continue
        state = stack.machine_state(name)
        if state == "paused":
            stack.virsh("resume", node.machine)
        elif state != "running":
            stack.start(name)
        for interface in node.interfaces:
            if "down" in stack.virsh("domif-getlink", node.machine, interface.mac):
                stack.virsh("domif-setlink", node.machine, interface.mac, "up")
    with ThreadPoolExecutor(len(stack.plan.nodes)) as pool:
        list(pool.map(partial(_mend_within, stack), stack.plan.nodes.values()))
    if to_put_back:
        described.put_back(stack)


def _mend_within(stack: LiveStack, node: NodePlan) -> None:
    groups = node.data.groups if node.data is not None else ()
    stack.exec(node.name, remnants(groups, is_gtid=node.gtid is not None), check=False)


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
