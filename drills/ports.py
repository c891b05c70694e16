"""Where clients log in at MySQL servers behind a pair's directors, and whose answer is right."""

from __future__ import annotations

from typing import Any

from drills.running import LiveStack
from stacks.plan_instances import InstancePlan
from stacks.plan_lvs_types import ServicePlan
from stacks.plan_types import NodePlan, Plan

Place = dict[str, Any]
"""Name, host, port, user, database, certificate and password: it goes on by a pipe alone."""


def has_ports(plan: Plan, pair: str) -> bool:
    """Whether a pair's directors lead to MySQL servers that stand alone."""
    return any(_instances(plan, service) for service in _services(plan, pair))


def places(stack: LiveStack, plan: Plan, pair: str) -> list[Place]:
    """Every virtual service of a pair's directors, as a client logs in there."""
    return [_place(stack, plan, service) for service in _services(plan, pair)]


def server_ids(plan: Plan, pair: str) -> dict[str, set[int]]:
    """The servers whose answer is right, by service."""
    return {
        service.name: {instance.server_id for _, instance in _instances(plan, service)}
        for service in _services(plan, pair)
    }


def _services(plan: Plan, pair: str) -> tuple[ServicePlan, ...]:
    director = plan.deploys[pair].first.director
    return director.services if director is not None else ()


def _instances(plan: Plan, service: ServicePlan) -> list[tuple[NodePlan, InstancePlan]]:
    return [
        (plan.nodes[server.node], instance)
        for server in service.servers
        for instance in plan.nodes[server.node].instances
        if instance.port == server.port
    ]


def _place(stack: LiveStack, plan: Plan, service: ServicePlan) -> Place:
    """Certificate and password are what the server itself was given."""
    node, instance = _instances(plan, service)[0]
    read = (
        f"cat /etc/pairwise/mysql/cert.pem; echo; sed -n \"s/.* BY '\\(.*\\)' REQUIRE SSL;/\\1/p\""
        f" /etc/pairwise/mysql/{instance.name}.sql | head -n 1"
    )
    said = stack.exec(node.name, read).strip().splitlines()
    return {
        "name": service.name,
        "host": str(service.vip),
        "port": service.port,
        "user": instance.account,
        "database": instance.database,
        "certificate": "\n".join(said[:-1]),
        "password": said[-1],
    }
