"""Checks of MySQL servers that stand alone."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.addressing import HTTP_PORT, LVS_SYNC_PORT, SESSION_PORT, STATUS_PORT
from stacks.model import Role, Stack, Tier
from stacks.problems import LABEL, Problem, out_of_range, twice

MAX_NAME = 16
"""The unit's runtime folder and its socket's path stay short (unix(7): 108 characters)."""
PORT_RANGE = (1024, 65535)
TAKEN = frozenset({HTTP_PORT, STATUS_PORT, SESSION_PORT, LVS_SYNC_PORT})
"""Ports of other daemons that a node may have."""


def check_instances(stack: Stack) -> Iterator[Problem]:
    """Every server has a node, a port of its own there, and somebody who may ask it."""
    for name, tier in stack.tiers.items():
        where = f"tiers.{name}"
        if (Role.MYSQL in tier.roles) != bool(tier.instances):
            yield Problem(
                where, "role mysql and key instances go together in a tier", "give both or neither"
            )
        yield from _instances(f"{where}.instances", tier)


def _instances(where: str, tier: Tier) -> Iterator[Problem]:
    places = [(f"{where}.{n}.port", (i.node, i.port)) for n, i in tier.instances.items()]
    for place, other, (node, port) in _pairs(places):
        yield Problem(place, f"{port} on {node} is taken by {other}", "choose another port")
    for name, instance in tier.instances.items():
        place = f"{where}.{name}"
        if not LABEL.fullmatch(name) or len(name) > MAX_NAME:
            yield Problem(
                place,
                "the name becomes part of a unit's and a folder's name",
                f"use at most {MAX_NAME} of a-z, 0-9 and -, a letter first",
            )
        if instance.node not in tier.nodes:
            known = ", ".join(tier.nodes)
            yield Problem(
                f"{place}.node", f"{instance.node!r} is no node of the tier", f"use one of: {known}"
            )
        if instance.port in TAKEN:
            yield Problem(f"{place}.port", f"{instance.port} is a port of ours", "choose another")
        if not instance.clients:
            yield Problem(f"{place}.clients", "nobody may log in", "name a network or an address")
        yield from out_of_range(
            place,
            [
                ("port", instance.port, *PORT_RANGE),
                ("buffer_pool_mib", instance.buffer_pool_mib, 16, 65536),
                ("connections", instance.connections, 1, 10000),
            ],
        )


def _pairs(
    places: list[tuple[str, tuple[str, int]]],
) -> Iterator[tuple[str, str, tuple[str, int]]]:
    """``twice``, with the kind of value that these places have."""
    known = dict(places)
    for place, other, _ in twice(places):
        yield place, other, known[place]
