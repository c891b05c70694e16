"""Small searches in a stack that several parts of the plan share."""

from __future__ import annotations

from ipaddress import IPv4Address

from stacks.addressing import node_address
from stacks.model import Pair, Stack, Tier, VipManager


def member_name(stack: Stack, member: Pair | Tier) -> str:
    """Name of a pair or tier in the description."""
    return next(name for name, other in stack.members().items() if other is member)


def clients_of(stack: Stack, pair_name: str, service: str) -> list[str]:
    """Nodes that use a pair's ``files`` or ``database``, by id."""
    names: list[str] = []
    for member in stack.members().values():
        settings = (member.web, member.client if isinstance(member, Tier) else None)
        if any(getattr(item, service, None) == pair_name for item in settings):
            names += member.nodes
    return sorted(names, key=lambda name: stack.nodes[name].id)


def by_id(stack: Stack, pair: Pair) -> tuple[str, str]:
    """The two nodes of a pair, the lower id first."""
    first, second = sorted(pair.nodes, key=lambda name: stack.nodes[name].id)
    return first, second


def addresses(stack: Stack, names: list[str], network: str) -> tuple[IPv4Address, ...]:
    """Addresses of nodes in a network, in their order."""
    return tuple(node_address(stack.networks[network], stack.nodes[name]) for name in names)


def director_vips(pair: Pair) -> tuple[str, ...]:
    """VIPs that a pair's directors hold: its services' by address, and with nat the one inside.

    One order, however the description is written: the first VIP stands for the group.
    """
    if pair.director is None:
        return ()
    named = {service.vip for service in pair.director.services.values()}
    known = sorted(named & pair.vips.keys(), key=lambda name: pair.vips[name].address)
    inside = [pair.director.gateway] if pair.director.gateway is not None else []
    return tuple(dict.fromkeys([*known, *sorted(named - pair.vips.keys()), *inside]))


def directs_under_heartbeat(pair: Pair) -> bool:
    """Whether Heartbeat moves a pair's directors; not where keepalived does."""
    managers = {pair.vips[name].manager for name in director_vips(pair) if name in pair.vips}
    return pair.director is not None and managers != {VipManager.KEEPALIVED}
