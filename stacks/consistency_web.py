"""Checks over balancers and web machines: their settings, networks, memory, and data pairs."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.capacity import (
    MAX_CONNECTIONS,
    MIN_CONNECTIONS,
    balancer_memory_mib,
    web_memory_mib,
)
from stacks.model import Pair, Role, Stack, Tier
from stacks.problems import Problem, out_of_range


def check_blocks(stack: Stack) -> Iterator[Problem]:
    """Roles and the settings of their blocks go together, and the balancers' tier exists."""
    for name, member in stack.members().items():
        where = f"{'pairs' if name in stack.pairs else 'tiers'}.{name}"
        balancer = member.balancer if isinstance(member, Pair) else None
        if isinstance(member, Pair):
            if (Role.LB in member.roles) != (balancer is not None):
                yield Problem(where, "role lb and key balancer go together", "give both or neither")
        elif Role.LB in member.roles:
            yield Problem(f"{where}.roles", "a tier cannot be a balancer", "make it a pair")
        if (Role.WEB in member.roles) != (member.web is not None):
            yield Problem(where, "role web and key web go together", "give both or neither")
        if isinstance(member, Pair) and balancer is not None:
            yield from _check_balancer(stack, where, member)
        if member.web is not None:
            yield from _check_web(stack, where, member)
            for key, service in (("database", "mysql"), ("files", "nfs")):
                yield from _check_service(stack, where, member, key=key, service=service)


def _check_balancer(stack: Stack, where: str, member: Pair) -> Iterator[Problem]:
    assert member.balancer is not None
    balancer = member.balancer
    numbers = (
        ("connections", balancer.connections, MIN_CONNECTIONS, MAX_CONNECTIONS),
        ("max_body_mib", balancer.max_body_mib, 1, 1024),
        ("max_fails", balancer.max_fails, 0, 100),
        ("fail_timeout_s", balancer.fail_timeout_s, 1, 3600),
    )
    yield from out_of_range(f"{where}.balancer", numbers)
    target = stack.members().get(balancer.upstream)
    if target is None or target.web is None:
        yield Problem(
            f"{where}.balancer.upstream",
            f"{balancer.upstream!r} is no pair or tier with role web",
            "name one that serves pages",
        )
        return
    if target.web.max_body_mib != balancer.max_body_mib:
        yield Problem(
            f"{where}.balancer.max_body_mib",
            f"it is {balancer.max_body_mib}, but {balancer.upstream} has {target.web.max_body_mib}",
            "let both agree, or uploads fail half-way",
        )
    yield from _check_shared(stack, where, member, target)


def _check_shared(stack: Stack, where: str, member: Pair, target: Pair | Tier) -> Iterator[Problem]:
    own = [set(stack.nodes[node].networks) for node in member.nodes if node in stack.nodes]
    for node in target.nodes:
        shared = (
            set.intersection(*own, set(stack.nodes[node].networks))
            if (own and node in stack.nodes)
            else {""}
        )
        if not shared - {stack.management}:
            yield Problem(
                f"{where}.balancer.upstream",
                f"node {node} shares no network with the balancers but management",
                "add one to the node",
            )


def _check_web(stack: Stack, where: str, member: Pair | Tier) -> Iterator[Problem]:
    assert member.web is not None
    numbers = (
        ("max_body_mib", member.web.max_body_mib, 1, 1024),
        ("session_memory_mib", member.web.session_memory_mib, 8, 65536),
    )
    yield from out_of_range(f"{where}.web", numbers)
    networks = [set(stack.nodes[node].networks) for node in member.nodes if node in stack.nodes]
    if networks and not set.intersection(*networks) - {stack.management}:
        yield Problem(
            f"{where}.nodes",
            "its web machines share no network but management for their sessions",
            "put all of them into one",
        )


def _check_service(
    stack: Stack, where: str, member: Pair | Tier, *, key: str, service: str
) -> Iterator[Problem]:
    """The pair that keeps rows or uploads is there, is another one, and is within reach."""
    name = getattr(member.web, key)
    if name is None:
        return
    where = f"{where}.web.{key}"
    pair = stack.pairs.get(name)
    settings = getattr(pair, service, None)
    replicated = pair is not None and service == "mysql" and pair.replication is not None
    if pair is None or settings is None or (pair.heartbeat is None and not replicated):
        yield Problem(
            where,
            f"{name!r} is no pair with keys heartbeat and {service}",
            "name one that has both, or remove the key",
        )
        return
    if pair is member and replicated:
        assert pair.replication is not None
        if pair.replication.split is None:
            yield Problem(
                where,
                "a machine that is its own database has no other way to the source than a splitter",
                "add `split: {kind: router}` to the pair's key replication",
            )
    elif pair is member:
        yield Problem(
            where, "a machine that serves itself hangs in a take-over", "name another pair"
        )
    vip = pair.vips.get(settings.vip)
    for node in member.nodes:
        if vip and node in stack.nodes and vip.network not in stack.nodes[node].networks:
            yield Problem(
                where,
                f"node {node} is not in {vip.network!r}, the network of VIP {settings.vip}",
                "add it to the node",
            )


def check_memory(stack: Stack) -> Iterator[Problem]:
    """A balancer, and each web machine behind it, has room for all connections at once."""
    for name, pair in stack.pairs.items():
        target = stack.members().get(pair.balancer.upstream) if pair.balancer else None
        if pair.balancer is None or target is None or target.web is None:
            continue
        number = pair.balancer.connections
        if not MIN_CONNECTIONS <= number <= MAX_CONNECTIONS:
            continue
        session = target.web.session_memory_mib
        needs = [(node, balancer_memory_mib(number)) for node in pair.nodes]
        web_mib = web_memory_mib(number, session_memory_mib=session)
        needs += [(node, web_mib) for node in target.nodes]
        for node, need in needs:
            if node in stack.nodes and stack.nodes[node].memory_mib < need:
                yield Problem(
                    f"nodes.{node}.memory_mib",
                    f"{stack.nodes[node].memory_mib} MiB is too little for the {number} "
                    f"connections of pairs.{name}.balancer, which this machine must hold alone",
                    f"give at least {need}, or lower connections",
                )
