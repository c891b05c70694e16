"""Checks over pairs, their VIPs, VRRP settings and disks."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.model import Network, Pair, Stack, Vip, VipManager, VrrpMode
from stacks.problems import LABEL, Problem, out_of_range, twice

MIN_DISK_MIB = 64
"""Room for DRBD's metadata, an ext4 journal and something to store."""
ADVERT_RANGE_S = (0.1, 40.0)
"""VRRPv3 sends the interval in 12 bits of centiseconds: at most 40.95 s (RFC 9568, 5.2.7)."""


def _vips(stack: Stack) -> Iterator[tuple[str, Pair, Vip]]:
    for pair_name, pair in stack.pairs.items():
        for name, vip in pair.vips.items():
            yield f"pairs.{pair_name}.vips.{name}", pair, vip


def check_pairs(stack: Stack) -> Iterator[Problem]:
    for name, pair in stack.pairs.items():
        where = f"pairs.{name}"
        distinct = dict.fromkeys(pair.nodes)
        if len(distinct) != 2 or len(pair.nodes) != 2:
            yield Problem(
                f"{where}.nodes",
                f"a pair has two different nodes, here are {len(distinct)}",
                "name two, or make it a tier",
            )
        nodes = [stack.nodes[node] for node in distinct if node in stack.nodes]
        if len(nodes) == 2:
            if set(nodes[0].networks) != set(nodes[1].networks):
                yield Problem(
                    f"{where}.nodes",
                    "its nodes are in different networks",
                    "give both the same ones",
                )
            if len(stack.hypervisors) > 1 and nodes[0].hypervisor == nodes[1].hypervisor:
                yield Problem(
                    f"{where}.nodes",
                    f"both nodes run on hypervisor {nodes[0].hypervisor!r}",
                    "place them on two, so that one may die",
                )


def check_vips(stack: Stack) -> Iterator[Problem]:
    for where, pair, vip in _vips(stack):
        network = stack.networks.get(vip.network)
        if network is None:
            yield Problem(
                f"{where}.network", f"there is no network {vip.network!r}", _one_of(stack)
            )
        else:
            if vip.network == stack.management:
                yield Problem(
                    f"{where}.network",
                    "the management network carries no VIP",
                    "hold it in another network",
                )
            yield from _check_address(where, vip, network)
            for node in pair.nodes:
                if node in stack.nodes and vip.network not in stack.nodes[node].networks:
                    yield Problem(
                        f"{where}.network",
                        f"node {node} is not in {vip.network!r}",
                        "add the network to the node",
                    )
            for name, node_ in stack.nodes.items():
                if vip.network in node_.networks and vip.address == network.cidr[0] + node_.id:
                    yield Problem(
                        f"{where}.address",
                        f"{vip.address} is the address of node {name}",
                        "choose an address that no node has",
                    )
        if vip.prefers not in pair.nodes:
            yield Problem(
                f"{where}.prefers", f"{vip.prefers!r} is no node of the pair", "name one that is"
            )
        if vip.dns is not None and not LABEL.fullmatch(vip.dns):
            yield Problem(f"{where}.dns", f"{vip.dns!r} is no host label", "use a-z, 0-9, hyphens")
    addresses = [(where, (vip.network, vip.address)) for where, _, vip in _vips(stack)]
    for where, other, value in twice(addresses):
        address = value[1] if isinstance(value, tuple) else value
        yield Problem(f"{where}.address", f"{address} is taken by {other}", "choose another")


def _one_of(stack: Stack) -> str:
    return f"use one of: {', '.join(stack.networks)}"


def _check_address(where: str, vip: Vip, network: Network) -> Iterator[Problem]:
    cidr = network.cidr
    if vip.address not in cidr:
        yield Problem(f"{where}.address", f"{vip.address} is outside {cidr}", "choose one inside")
    elif vip.address in (cidr.network_address, cidr.broadcast_address):
        yield Problem(f"{where}.address", f"{vip.address} is no host address", "choose another")
    elif vip.address == cidr[1]:
        yield Problem(
            f"{where}.address", f"{vip.address} is the hypervisor's own address", "choose another"
        )


def check_vrrp(stack: Stack) -> Iterator[Problem]:
    for where, _, vip in _vips(stack):
        under_keepalived = vip.manager is VipManager.KEEPALIVED
        if under_keepalived and vip.vrid is None:
            yield Problem(f"{where}.vrid", "keepalived needs one", "choose 1 to 255")
        if not under_keepalived and vip.vrid is not None:
            yield Problem(f"{where}.vrid", "Heartbeat knows no VRID", "remove it")
        if vip.vrid is not None:
            yield from out_of_range(where, [("vrid", vip.vrid, 1, 255)])
    vrids = [
        (f"{where}.vrid", (vip.network, vip.vrid))
        for where, _, vip in _vips(stack)
        if vip.vrid is not None
    ]
    for where, other, value in twice(vrids):
        number = value[1] if isinstance(value, tuple) else value
        yield Problem(where, f"VRID {number} is taken by {other}", "choose another number")
    for name, pair in stack.pairs.items():
        yield from _check_keepalived(f"pairs.{name}", pair)


def _check_keepalived(where: str, pair: Pair) -> Iterator[Problem]:
    vips = [vip for vip in pair.vips.values() if vip.manager is VipManager.KEEPALIVED]
    if pair.keepalived is None:
        if vips:
            yield Problem(where, "keepalived manages a VIP and is not described", "add keepalived")
        return
    if not vips:
        yield Problem(f"{where}.keepalived", "it manages no VIP", "add one or remove keepalived")
    low, high = ADVERT_RANGE_S
    if not low <= pair.keepalived.advert_interval_s <= high:
        yield Problem(
            f"{where}.keepalived.advert_interval_s",
            f"{pair.keepalived.advert_interval_s:g} s does not fit into an advert",
            f"choose {low:g} to {high:g}",
        )
    preferred = {vip.prefers for vip in vips}
    if pair.keepalived.mode is VrrpMode.DUAL and len(preferred) < 2:
        yield Problem(
            f"{where}.keepalived.mode",
            "dual needs a VIP that prefers each node",
            "add one, or write single",
        )
    if pair.keepalived.mode is VrrpMode.SYNC and len(preferred) > 1:
        yield Problem(
            f"{where}.keepalived.mode",
            "the VIPs of a sync group move together and cannot prefer different nodes",
            "let all prefer one",
        )


def check_disks(stack: Stack) -> Iterator[Problem]:
    for name, pair in stack.pairs.items():
        for disk_name, disk in pair.disks.items():
            where = f"pairs.{name}.disks.{disk_name}"
            if disk.size_mib < MIN_DISK_MIB:
                yield Problem(
                    f"{where}.size_mib",
                    f"{disk.size_mib} MiB is too small for DRBD and a file system",
                    f"give at least {MIN_DISK_MIB}",
                )
            if disk.network not in stack.networks:
                yield Problem(
                    f"{where}.network", f"there is no network {disk.network!r}", _one_of(stack)
                )
            elif disk.network == stack.management:
                yield Problem(
                    f"{where}.network",
                    "the management network carries no replication",
                    "use a network of its own",
                )
            else:
                for node in pair.nodes:
                    if node in stack.nodes and disk.network not in stack.nodes[node].networks:
                        yield Problem(
                            f"{where}.network",
                            f"node {node} is not in {disk.network!r}",
                            "add the network to the node",
                        )
