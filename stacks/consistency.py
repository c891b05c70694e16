"""Checks over a whole Stack: each returns its problems, all are run, all are reported together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from urllib.parse import urlparse

from stacks.consistency_data import check_data
from stacks.consistency_gtid import check_gtid
from stacks.consistency_instances import check_instances
from stacks.consistency_lvs import check_lvs
from stacks.consistency_notify import check_notify
from stacks.consistency_pairs import (
    check_disks,
    check_pairs,
    check_vips,
    check_vrrp,
)
from stacks.consistency_web import check_blocks, check_memory
from stacks.model import Network, Pair, Stack, Tier
from stacks.problems import LABEL, Check, Problem, Ranged, out_of_range, twice

MAX_HOSTNAME = 63
"""Longest DNS label (RFC 1035 section 2.3.4); Linux allows 64 (HOST_NAME_MAX)."""
MAX_NETWORK_NAME = 8
"""``pw<stack id>-<name>`` must fit into an interface name of 15 characters (IFNAMSIZ - 1)."""
MIN_MEMORY_MIB = 512
"""Below this the golden image's kernel and initrd do not leave room for any role."""


def check(stack: Stack) -> list[Problem]:
    """Every problem of a stack, in the order of the checks."""
    return [problem for check_one in CHECKS for problem in check_one(stack)]


def check_names(stack: Stack) -> Iterator[Problem]:
    named = [("nodes", name) for name in stack.nodes]
    named += [("pairs", name) for name in stack.pairs]
    named += [("tiers", name) for name in stack.tiers]
    named += [("networks", name) for name in stack.networks]
    named += [(f"pairs.{p}.vips", name) for p, pair in stack.pairs.items() for name in pair.vips]
    named += [(f"pairs.{p}.disks", name) for p, pair in stack.pairs.items() for name in pair.disks]
    for kind, name in named:
        where = f"{kind}.{name}"
        if not LABEL.fullmatch(name):
            yield Problem(where, "the name is no host label", "use a-z, 0-9 and inner hyphens")
        elif len(name) > MAX_HOSTNAME:
            yield Problem(
                where,
                f"the name has {len(name)} characters, a host name at most {MAX_HOSTNAME}",
                "shorten it",
            )
    for name in stack.networks:
        if len(name) > MAX_NETWORK_NAME:
            yield Problem(
                f"networks.{name}",
                f"the name has {len(name)} characters and becomes part of an interface name",
                f"use at most {MAX_NETWORK_NAME}",
            )
    for label in stack.domain.split("."):
        if not LABEL.fullmatch(label) or len(label) > MAX_HOSTNAME:
            yield Problem("domain", f"{stack.domain!r} is no DNS domain", "write one like six.lab")
            break


def check_ids(stack: Stack) -> Iterator[Problem]:
    ranges: list[Ranged] = [("id", stack.id, 1, 254)]
    ranges += [(f"networks.{n}.id", net.id, 1, 254) for n, net in stack.networks.items()]
    ranges += [(f"nodes.{n}.id", node.id, 2, 254) for n, node in stack.nodes.items()]
    disks = [
        (f"pairs.{p}.disks.{d}.id", disk.id)
        for p, pair in stack.pairs.items()
        for d, disk in pair.disks.items()
    ]
    ranges += [(where, number, 0, 99) for where, number in disks]
    yield from out_of_range("", ranges)
    groups: list[list[tuple[str, object]]] = [
        [(f"networks.{n}.id", net.id) for n, net in stack.networks.items()],
        [(f"nodes.{n}.id", node.id) for n, node in stack.nodes.items()],
        [(where, number) for where, number in disks],
    ]
    for group in groups:
        for where, other, taken in twice(group):
            yield Problem(where, f"{taken} is taken by {other}", "choose another number")


def check_networks(stack: Stack) -> Iterator[Problem]:
    if stack.management not in stack.networks:
        known = ", ".join(stack.networks)
        yield Problem("management", f"there is no network {stack.management!r}", f"use {known}")
    networks = list(stack.networks.items())
    for index, (name, network) in enumerate(networks):
        if network.cidr.prefixlen > 30 or network.cidr.prefixlen < 8:
            yield Problem(f"networks.{name}.cidr", f"{network.cidr} is no usable size", "use a /24")
        for other, second in networks[:index]:
            if network.cidr.overlaps(second.cidr):
                yield Problem(
                    f"networks.{name}.cidr",
                    f"{network.cidr} overlaps networks.{other} ({second.cidr})",
                    "give each network addresses of its own",
                )


def check_nodes(stack: Stack) -> Iterator[Problem]:
    for name, node in stack.nodes.items():
        where = f"nodes.{name}"
        if not node.networks:
            yield Problem(where, "the node is in no network", "list its networks")
        for network in node.networks:
            if network not in stack.networks:
                yield Problem(
                    f"{where}.networks",
                    f"there is no network {network!r}",
                    "describe it or drop it",
                )
            elif not _has_host(stack.networks[network], node.id):
                cidr = stack.networks[network].cidr
                yield Problem(f"{where}.id", f"{node.id} is no host number in {cidr}", "lower it")
        for _, _, repeated in twice((where, network) for network in node.networks):
            yield Problem(f"{where}.networks", f"{repeated!r} stands twice", "list it once")
        if stack.management in stack.networks and stack.management not in node.networks:
            yield Problem(
                f"{where}.networks",
                f"the management network {stack.management!r} is missing",
                "add it: SSH and fencing go there",
            )
        if node.memory_mib < MIN_MEMORY_MIB:
            yield Problem(
                f"{where}.memory_mib",
                f"{node.memory_mib} MiB is too little",
                f"give at least {MIN_MEMORY_MIB}",
            )
        if node.vcpus < 1:
            yield Problem(f"{where}.vcpus", f"{node.vcpus} is no machine", "give at least 1")
        if node.hypervisor not in stack.hypervisors:
            known = ", ".join(stack.hypervisors)
            yield Problem(
                f"{where}.hypervisor",
                f"{node.hypervisor!r} is not described",
                f"use one of: {known}",
            )


def _has_host(network: Network, number: int) -> bool:
    """Whether base plus number is a host address that is not the gateway's."""
    return 1 < number < network.cidr.num_addresses - 1


def check_members(stack: Stack) -> Iterator[Problem]:
    """Every node belongs to exactly one pair or tier: that is the unit of a Deploy."""
    owners: dict[str, list[str]] = defaultdict(list)
    kinds: list[tuple[str, Mapping[str, Pair | Tier]]] = [
        ("pairs", stack.pairs),
        ("tiers", stack.tiers),
    ]
    for kind, members in kinds:
        for name, member in members.items():
            where = f"{kind}.{name}"
            if not member.roles:
                yield Problem(f"{where}.roles", "no role is given", "say what its nodes are for")
            if not member.nodes:
                yield Problem(f"{where}.nodes", "no node is given", "list its nodes")
            for node in dict.fromkeys(member.nodes):
                owners[node].append(where)
                if node not in stack.nodes:
                    yield Problem(
                        f"{where}.nodes", f"there is no node {node!r}", "describe it or drop it"
                    )
    for name in sorted(set(stack.pairs) & set(stack.tiers)):
        yield Problem(f"tiers.{name}", "a pair has the same name", "rename one of the two")
    for name in stack.nodes:
        places = owners.get(name, [])
        if not places:
            yield Problem(f"nodes.{name}", "the node belongs to no pair or tier", "put it into one")
        elif len(places) > 1:
            text = " and ".join(places)
            yield Problem(f"nodes.{name}", f"the node belongs to {text}", "leave it in one of them")


def check_image_and_hypervisors(stack: Stack) -> Iterator[Problem]:
    if not stack.hypervisors:
        yield Problem("hypervisors", "none is given", "remove the key or describe one")
    for name, uri in stack.hypervisors.items():
        if uri != "embedded" and not urlparse(uri).scheme:
            yield Problem(
                f"hypervisors.{name}", f"{uri!r} is no libvirt URI", "write embedded or a URI"
            )
    if stack.image != "golden" and "/" not in stack.image:
        suffix = PurePosixPath(stack.image).suffix or "none"
        yield Problem(
            "image",
            f"{stack.image!r} (ending: {suffix}) is no path or URL",
            "write golden or a path",
        )


CHECKS: tuple[Check, ...] = (
    check_names,
    check_ids,
    check_networks,
    check_nodes,
    check_members,
    check_pairs,
    check_vips,
    check_vrrp,
    check_disks,
    check_data,
    check_gtid,
    check_lvs,
    check_instances,
    check_blocks,
    check_memory,
    check_image_and_hypervisors,
    check_notify,
)
"""Every check, in the order in which a reader meets the values."""
