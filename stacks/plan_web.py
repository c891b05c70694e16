"""Balancers and web machines: what follows for them from a checked description."""

from __future__ import annotations

from stacks.addressing import (
    HTTP_PORT,
    MYSQL_PORT,
    PHP_PORT,
    SESSION_PORT,
    STATUS_PORT,
    balancers_of,
    node_address,
    session_addresses,
    shared_network,
    shares_php,
)
from stacks.capacity import limits
from stacks.model import Pair, Role, Stack, Tier
from stacks.model_data import FILES_MOUNT
from stacks.plan_gtid import split_plan
from stacks.plan_mysql import MYSQL_ACCOUNT, certificate_name, site_password
from stacks.plan_web_types import BalancerPlan, DatabaseClient, SharedServer, Upstream, WebPlan

UNBALANCED_CONNECTIONS = 1024
"""Connections of a web machine that has no balancer whose number it could take."""


def balancer_plan(stack: Stack, member: Pair | Tier) -> BalancerPlan | None:
    """The balancer of a node; none where its pair is none."""
    if not isinstance(member, Pair) or member.balancer is None:
        return None
    balancer = member.balancer
    target = stack.members()[balancer.upstream]
    by_id = sorted(target.nodes, key=lambda name: stack.nodes[name].id)
    upstreams = []
    for name in by_id:
        network = stack.networks[shared_network(stack, member.nodes[0], name)]
        address = node_address(network, stack.nodes[name])
        upstreams.append(Upstream(node=name, address=address, port=HTTP_PORT))
    return BalancerPlan(
        server_name=balancer.server_name,
        method=balancer.method,
        upstream_name=balancer.upstream,
        upstreams=tuple(upstreams),
        connections=balancer.connections,
        limits=limits(balancer.connections),
        max_body_mib=balancer.max_body_mib,
        max_fails=balancer.max_fails,
        fail_timeout_s=balancer.fail_timeout_s,
        listen_port=HTTP_PORT,
        status_port=STATUS_PORT,
    )


def web_plan(stack: Stack, node: str, member_name: str, member: Pair | Tier) -> WebPlan | None:
    """The web server of a node; none where it is none."""
    if member.web is None or Role.WEB not in member.roles:
        return None
    balancers = balancers_of(stack, member_name)
    home = shared_network(stack, node, balancers[0]) if balancers else stack.nodes[node].networks[0]
    network = stack.networks[home]
    return WebPlan(
        listen_address=node_address(network, stack.nodes[node]),
        listen_port=HTTP_PORT,
        trusted_proxies=tuple(node_address(network, stack.nodes[name]) for name in balancers),
        max_body_mib=member.web.max_body_mib,
        limits=limits(web_connections(stack, member_name)),
        session_servers=_servers(stack, member, SESSION_PORT),
        session_memory_mib=member.web.session_memory_mib,
        php_servers=_servers(stack, member, PHP_PORT) if shares_php(member) else (),
        database=_database(stack, member),
        share=None if member.web.files is None else FILES_MOUNT,
    )


def _database(stack: Stack, member: Pair | Tier) -> DatabaseClient | None:
    web = member.web
    if web is None or web.database is None:
        return None
    pair = stack.pairs[web.database]
    assert pair.mysql is not None
    vip, split = pair.vips[pair.mysql.vip].address, split_plan(stack, member)
    port, read_port = (MYSQL_PORT, MYSQL_PORT) if split is None else split.client_ports
    return DatabaseClient(
        vip=vip,
        address=vip if split is None else split.address,
        port=port,
        read_port=read_port,
        is_verified=split is None or split.router is None,
        name=pair.mysql.database,
        user=MYSQL_ACCOUNT,
        password=site_password(web.database),
        certificate=certificate_name(web.database),
    )


def web_connections(stack: Stack, member_name: str) -> int:
    """Requests that a web machine may get at once: those of its balancers' largest number."""
    numbers = [
        pair.balancer.connections
        for pair in stack.pairs.values()
        if pair.balancer is not None and pair.balancer.upstream == member_name
    ]
    return max(numbers, default=UNBALANCED_CONNECTIONS)


def _servers(stack: Stack, member: Pair | Tier, port: int) -> tuple[SharedServer, ...]:
    """A port of every web machine, in the network that they share."""
    return tuple(
        SharedServer(node=name, address=address, port=port)
        for name, address in session_addresses(stack, member).items()
    )
