"""GTID pairs: what follows for them from a checked description."""

from __future__ import annotations

from ipaddress import IPv4Address

from stacks.addressing import (
    MYSQL_PORT,
    SPLIT_AGENT_PORT,
    SPLIT_METADATA_PORT,
    SPLIT_READ_PORT,
    SPLIT_ROUTER_PORT,
    SPLIT_WRITE_PORT,
    node_address,
    session_network,
)
from stacks.members import member_name
from stacks.model import Pair, Stack, Tier
from stacks.model_data import SplitKind
from stacks.plan_data import fence_plan
from stacks.plan_gtid_types import (
    GtidPlan,
    MetadataPlan,
    ReplicationAccount,
    RouterPlan,
    SplitAgentPlan,
    SplitBackend,
    SplitPlan,
)
from stacks.plan_mysql import MYSQL_ACCOUNT, mysql_plan, site_password

SPLIT_ADDRESS = IPv4Address("127.0.0.1")
"""Where an application finds its splitter; one of the names in the servers' certificate."""

RIGHTS = {
    "replication": "REPLICATION SLAVE",
    "clone": "BACKUP_ADMIN",
    # SHOW REPLICA STATUS; variables and status may be read by anybody.
    "monitor": "REPLICATION CLIENT",
}
"""Purpose of each account between the nodes, and the one right that it takes."""


def gtid_plan(stack: Stack, node: str, member: Pair | Tier) -> GtidPlan | None:
    """What a node of a GTID pair needs; none in any other pair."""
    if not isinstance(member, Pair) or member.replication is None:
        return None
    mysql = mysql_plan(stack, node, member)
    assert mysql is not None
    assert member.mysql is not None
    settings = member.replication
    name = settings.network or session_network(stack, member)
    network, vip = stack.networks[name], member.vips[member.mysql.vip]
    peer = next(other for other in member.nodes if other != node)
    by_id = sorted(member.nodes, key=lambda one: stack.nodes[one].id)
    addresses = {one: node_address(network, stack.nodes[one]) for one in by_id}
    pair = member_name(stack, member)
    accounts = {
        purpose: ReplicationAccount(
            name=f"pairwise_{purpose}", rights=rights, secret=f"{pair}-{purpose}"
        )
        for purpose, rights in RIGHTS.items()
    }
    return GtidPlan(
        mysql=mysql,
        peer=peer,
        network=name,
        own_address=addresses[node],
        peer_address=addresses[peer],
        addresses=addresses,
        vip=member.mysql.vip,
        vip_interface=vip.network,
        first=vip.prefers == node,
        errant=settings.errant,
        max_lag_s=settings.max_lag_s,
        silence_s=settings.silence_s,
        restart_s=settings.restart_s,
        replication=accounts["replication"],
        clone=accounts["clone"],
        monitor=accounts["monitor"],
        fence=fence_plan(stack, node, member),
        split=_agent_plan(stack, node, member),
    )


def split_plan(stack: Stack, member: Pair | Tier) -> SplitPlan | None:
    """The splitter of an application's node; none where its database is at a VIP, or is none."""
    name = member.web.database if member.web is not None else None
    pair = stack.pairs[name] if name is not None else None
    if name is None or pair is None or pair.replication is None or pair.replication.split is None:
        return None
    return SplitPlan(
        pair=name,
        backends=tuple(
            SplitBackend(node=node, address=_served(stack, node, pair))
            for node in sorted(pair.nodes, key=lambda one: stack.nodes[one].id)
        ),
        port=MYSQL_PORT,
        agent_port=SPLIT_AGENT_PORT,
        address=SPLIT_ADDRESS,
        write_port=SPLIT_WRITE_PORT,
        read_port=SPLIT_READ_PORT,
        router=RouterPlan(
            port=SPLIT_ROUTER_PORT,
            metadata_port=SPLIT_METADATA_PORT,
            user=MYSQL_ACCOUNT,
            password=site_password(name),
        )
        if pair.replication.split.kind is SplitKind.ROUTER
        else None,
    )


def _agent_plan(stack: Stack, node: str, pair: Pair) -> SplitAgentPlan | None:
    assert pair.replication is not None
    if pair.replication.split is None:
        return None
    return SplitAgentPlan(
        address=_served(stack, node, pair),
        port=SPLIT_AGENT_PORT,
        max_lag_s=pair.replication.max_lag_s,
        drain_s=pair.replication.split.drain_s,
        metadata=MetadataPlan(
            source=f"{SPLIT_ADDRESS}:{SPLIT_WRITE_PORT}",
            replica=f"{SPLIT_ADDRESS}:{SPLIT_READ_PORT}",
            either=f"{SPLIT_ADDRESS}:{SPLIT_METADATA_PORT}",
        )
        if pair.replication.split.kind is SplitKind.ROUTER
        else None,
    )


def _served(stack: Stack, node: str, pair: Pair) -> IPv4Address:
    """Where clients reach a node's own server, whoever has the VIP."""
    assert pair.mysql is not None
    network = stack.networks[pair.vips[pair.mysql.vip].network]
    return node_address(network, stack.nodes[node])
