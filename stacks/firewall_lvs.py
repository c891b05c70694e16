"""What directors and their real servers accept: clients' packets for a VIP, and each other's."""

from __future__ import annotations

from ipaddress import IPv4Network

from stacks.members import by_id
from stacks.model import Pair, Stack, Tier
from stacks.model_lvs import Forwarding
from stacks.plan_firewall_types import FirewallRule, ForwardRule
from stacks.plan_lvs import director_plan, real_server_plan
from stacks.plan_lvs_types import TUNNEL, AnsweredVip


def directors(stack: Stack, node: str, member: Pair | Tier) -> list[FirewallRule]:
    """Connections from the other director, and clients'. The kernel takes these from the way to
    local programs, after this filter (ip_vs_core.c: LOCAL_IN)."""
    plan = director_plan(stack, node, member)
    if plan is None:
        return []
    assert isinstance(member, Pair)
    peer = next(name for name in by_id(stack, member) if name != node)
    found = [
        FirewallRule(
            interface=plan.sync.interface,
            protocol="udp",
            ports=(plan.sync.port,),
            sources=(IPv4Network(plan.sync.peer_address),),
            reason=f"connections that {peer} knows",
        )
    ]
    for vip, interface in dict.fromkeys((s.vip, s.interface) for s in plan.services):
        found.append(
            FirewallRule(
                interface=interface,
                protocol="tcp",
                ports=tuple(sorted(s.port for s in plan.services if s.vip == vip)),
                sources=(),
                destinations=(vip,),
                stateless=True,
                reason="virtual services, from anywhere",
            )
        )
    return found


def forwards(stack: Stack, node: str, member: Pair | Tier) -> tuple[ForwardRule, ...]:
    """Answers of real servers, which the kernel gives the VIP's address on their way through."""
    plan = director_plan(stack, node, member)
    if plan is None or plan.gateway is None:
        return ()
    servers = [server for service in plan.services for server in service.servers]
    return (
        ForwardRule(
            interface=plan.gateway.interface,
            sources=tuple(dict.fromkeys(server.address for server in servers)),
            ports=tuple(sorted({server.port for server in servers})),
            reason="answers of real servers",
        ),
    )


def real_servers(stack: Stack, node: str) -> list[FirewallRule]:
    """Clients' packets as the directors hand them on, and the directors' own questions."""
    plan = real_server_plan(stack, node)
    if plan is None:
        return []
    return [rule for vip in plan.vips for rule in _answered(vip)]


def _answered(vip: AnsweredVip) -> list[FirewallRule]:
    directors = tuple(IPv4Network(address) for address in vip.directors)
    asked = FirewallRule(
        interface=vip.interface,
        protocol="tcp",
        # With nat the service's own ports are open to everybody.
        ports=vip.asked if vip.forwarding is Forwarding.NAT else (*vip.ports, *vip.asked),
        sources=directors,
        reason=f"directors of {vip.address}, which look whether it answers",
    )
    direct = FirewallRule(
        interface=TUNNEL if vip.forwarding is Forwarding.TUN else vip.interface,
        protocol="tcp",
        ports=vip.ports,
        sources=(),
        # With nat the director has put this machine's own address into the VIP's place.
        destinations=() if vip.forwarding is Forwarding.NAT else (vip.address,),
        reason=f"clients of {vip.address}",
    )
    if vip.forwarding is Forwarding.NAT:
        return [asked, direct] if vip.asked else [direct]
    if vip.forwarding is Forwarding.DR:
        return [asked, direct]
    inside = FirewallRule(
        interface=vip.interface,
        protocol="ipip",
        ports=(),
        sources=directors,
        reason=f"packets for {vip.address} inside packets of its directors",
    )
    return [asked, inside, direct]
