"""Where clients log in at MySQL servers behind a pair's directors, and whose answer is right."""

from __future__ import annotations

import json
import subprocess
from typing import Any

from bootstrap.facts import mysql
from drills.observe import run_inside
from drills.running import LiveStack
from stacks.plan_instances import FollowPlan, InstancePlan
from stacks.plan_lvs_types import ServicePlan
from stacks.plan_types import NodePlan, Plan

LOGINS_S = 300
"""All logins, one after the other, while machines boot beside them."""
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
        if instance.port == server.port and instance.follows is None
    ]


def log_in(stack: LiveStack, where: list[Place]) -> dict[str, dict[str, Any]]:
    """What each place's server says, by the places' names: ``server_id``, or ``error``."""
    done = subprocess.run(
        run_inside(stack.netns, "drills.workloads.logins"),
        input=json.dumps(where),
        capture_output=True,
        text=True,
        timeout=LOGINS_S,
        check=True,
    )
    told: dict[str, dict[str, Any]] = json.loads(done.stdout)
    return told


def replica_of(plan: Plan, node: str) -> tuple[InstancePlan, FollowPlan]:
    """A node's replica of a read tier, and what it follows."""
    for instance in plan.nodes[node].instances:
        if instance.follows is not None:
            return instance, instance.follows
    raise ValueError(f"Node {node} has no replica.")


def replica_client(plan: Plan, node: str) -> str:
    """Command line of the local root's client to a node's replica."""
    return mysql.client(replica_of(plan, node)[0].socket)


def replica_ids(plan: Plan, service: ServicePlan) -> dict[str, int]:
    """Node -> server_id of the replicas behind a service; empty: it has none."""
    return {
        server.node: instance.server_id
        for server in service.servers
        for instance in plan.nodes[server.node].instances
        if instance.port == server.port and instance.follows is not None
    }


def replica_place(stack: LiveStack, plan: Plan, service: ServicePlan) -> Place:
    """A service of replicas, as a reader logs in there."""
    instance, follows = replica_of(plan, service.servers[0].node)
    certificate = stack.exec(service.servers[0].node, "cat /etc/pairwise/mysql/cert.pem")
    source = min(plan.deploys[follows.pair].nodes)
    read = (
        f"sed -n \"s/^CREATE USER {instance.account}@.* BY '\\(.*\\)' REQUIRE SSL;/\\1/p\""
        " /etc/pairwise/mysql/first.sql | head -n 1"
    )
    return {
        "name": service.name,
        "host": str(service.vip),
        "port": service.port,
        "user": instance.account,
        "database": instance.database,
        "certificate": certificate.strip(),
        "password": stack.exec(source, read).strip(),
    }


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
