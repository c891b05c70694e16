"""Checks of MySQL servers of tiers: those that stand alone, and replicas to read from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from ipaddress import IPv4Network

from stacks.addressing import (
    HTTP_PORT,
    LVS_SYNC_PORT,
    READ_AGENT_PORT,
    SESSION_PORT,
    SPLIT_AGENT_PORT,
    SPLIT_METADATA_PORT,
    SPLIT_READ_PORT,
    SPLIT_ROUTER_PORT,
    SPLIT_WRITE_PORT,
    STATUS_PORT,
)
from stacks.model import Role, Stack, Tier
from stacks.model_instances import ReadTier
from stacks.model_lvs import ProbeKind
from stacks.plan_instances import READ_NAME
from stacks.plan_lvs import answering
from stacks.problems import LABEL, Problem, out_of_range, twice

MAX_NAME = 16
"""The unit's runtime folder and its socket's path stay short (unix(7): 108 characters)."""
PORT_RANGE = (1024, 65535)
TAKEN = frozenset(
    {
        HTTP_PORT,
        STATUS_PORT,
        SESSION_PORT,
        LVS_SYNC_PORT,
        READ_AGENT_PORT,
        SPLIT_ROUTER_PORT,
        SPLIT_WRITE_PORT,
        SPLIT_READ_PORT,
        SPLIT_AGENT_PORT,
        SPLIT_METADATA_PORT,
    }
)
"""Ports of other daemons that a node may have."""


def check_instances(stack: Stack) -> Iterator[Problem]:
    """Every server has a node, a port of its own there, and somebody who may ask it."""
    for name, tier in stack.tiers.items():
        where = f"tiers.{name}"
        has_servers = bool(tier.instances) or tier.read_tier is not None
        if (Role.MYSQL in tier.roles) != has_servers:
            yield Problem(
                where,
                "role mysql and key instances or read_tier go together in a tier",
                "give both or neither",
            )
        yield from _instances(f"{where}.instances", tier)
        if tier.read_tier is not None:
            yield from _read_tier(stack, f"{where}.read_tier", tier, tier.read_tier)
    followed = [
        (f"tiers.{n}.read_tier", t.read_tier.of)
        for n, t in stack.tiers.items()
        if t.read_tier is not None
    ]
    for place, other, pair in twice(followed):
        yield Problem(place, f"pair {pair} has {other} already", "put all replicas into one tier")
    yield from _asked_replicas(stack)


def _read_tier(stack: Stack, where: str, tier: Tier, settings: ReadTier) -> Iterator[Problem]:
    """Its source is a pair that all of its nodes reach, and its server gets in nobody's way."""
    pair = stack.pairs.get(settings.of)
    if pair is None or pair.mysql is None:
        known = ", ".join(n for n, p in stack.pairs.items() if p.mysql is not None) or "none"
        yield Problem(
            f"{where}.of", f"{settings.of!r} is no pair with MySQL", f"use one of: {known}"
        )
    elif pair.replication is not None:
        yield Problem(
            f"{where}.of",
            f"pair {settings.of} replicates by itself, and has a replica to read from",
            "name a pair whose MySQL is on a replicated disk, or use `replication.split`",
        )
    elif pair.mysql.vip in pair.vips:
        network = pair.vips[pair.mysql.vip].network
        for node in tier.nodes:
            if node in stack.nodes and network not in stack.nodes[node].networks:
                yield Problem(
                    f"nodes.{node}.networks",
                    f"it has no card in {network}, where its source's VIP is",
                    "add one",
                )
    if READ_NAME in tier.instances:
        yield Problem(
            where.replace("read_tier", f"instances.{READ_NAME}"),
            "a read tier's own server has that name",
            "choose another one",
        )
    for name, instance in tier.instances.items():
        if instance.port == settings.port:
            place = where.replace("read_tier", f"instances.{name}.port")
            yield Problem(place, f"{instance.port} is the read tier's port", "choose another")
    if settings.port in TAKEN:
        yield Problem(f"{where}.port", f"{settings.port} is a port of ours", "choose another")
    yield from _clients(f"{where}.clients", settings.clients)
    yield from out_of_range(
        where,
        [
            ("port", settings.port, *PORT_RANGE),
            ("max_lag_s", settings.max_lag_s, 0.5, 3600),
            ("buffer_pool_mib", settings.buffer_pool_mib, 16, 65536),
            ("connections", settings.connections, 1, 10000),
        ],
    )


def _asked_replicas(stack: Stack) -> Iterator[Problem]:
    """Where directors ask a replica how it is, one is there, behind the very port."""
    ports = {
        node: tier.read_tier.port
        for tier in stack.tiers.values()
        if tier.read_tier is not None
        for node in tier.nodes
    }
    for name, pair in stack.pairs.items():
        services = pair.director.services if pair.director is not None else {}
        for key, service in services.items():
            if service.probe.kind is not ProbeKind.REPLICA:
                continue
            where = f"pairs.{name}.director.services.{key}"
            port = service.server_port or service.port
            for node in answering(stack, service):
                if ports.get(node) != port:
                    yield Problem(
                        f"{where}.probe",
                        f"{node} has no replica of a read tier at port {port} to be asked about",
                        "give it one, or ask for a connection",
                    )


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
        yield from _clients(f"{place}.clients", instance.clients)
        yield from out_of_range(
            place,
            [
                ("port", instance.port, *PORT_RANGE),
                ("buffer_pool_mib", instance.buffer_pool_mib, 16, 65536),
                ("connections", instance.connections, 1, 10000),
            ],
        )


def _clients(where: str, clients: Sequence[IPv4Network]) -> Iterator[Problem]:
    """Somebody may log in, and each one has one account."""
    if not clients:
        yield Problem(where, "nobody may log in", "name a network or an address")
    for client in dict.fromkeys(clients):
        if clients.count(client) > 1:
            yield Problem(where, f"{client} is named twice", "name it once")


def _pairs(
    places: list[tuple[str, tuple[str, int]]],
) -> Iterator[tuple[str, str, tuple[str, int]]]:
    """``twice``, with the kind of value that these places have."""
    known = dict(places)
    for place, other, _ in twice(places):
        yield place, other, known[place]
