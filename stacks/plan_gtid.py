"""GTID pairs: what follows for them from a checked description."""

from __future__ import annotations

from stacks.addressing import node_address, session_network
from stacks.model import Pair, Stack, Tier
from stacks.plan_data import fence_plan, member_name, mysql_plan
from stacks.plan_gtid_types import GtidPlan, ReplicationAccount

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
    )
