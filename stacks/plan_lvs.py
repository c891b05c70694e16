"""Directors and real servers: what follows for them from a checked description."""

from __future__ import annotations

from ipaddress import IPv4Address

from stacks.addressing import (
    LVS_SYNC_PORT,
    READ_AGENT_PATH,
    READ_AGENT_PORT,
    READ_AGENT_WORDS,
    node_address,
)
from stacks.members import by_id, directs_under_heartbeat
from stacks.model import Pair, Stack, Tier
from stacks.model_lvs import Director, Forwarding, Probe, ProbeKind, VirtualService
from stacks.plan_lvs_types import (
    AnsweredVip,
    Checker,
    DirectorPlan,
    InsideVip,
    ProbePlan,
    RealServer,
    RealServerPlan,
    ServicePlan,
    SyncPlan,
)

FALLBACK_WEIGHT = 1
"""What ldirectord and keepalived give a fallback, which is alone in the table."""


def director_plan(stack: Stack, node: str, member: Pair | Tier) -> DirectorPlan | None:
    """LVS on a node; none where it is no director."""
    if not isinstance(member, Pair) or member.director is None:
        return None
    director = member.director
    peer = next(name for name in member.nodes if name != node)
    return DirectorPlan(
        forwarding=director.forwarding,
        services=tuple(
            _service(stack, member, director, name) for name in sorted(director.services)
        ),
        checker=(Checker.LDIRECTORD if directs_under_heartbeat(member) else Checker.KEEPALIVED),
        quiescent=director.quiescent,
        gateway=_inside(member, director),
        sync=SyncPlan(
            interface=director.network,
            peer_address=node_address(stack.networks[director.network], stack.nodes[peer]),
            id=stack.id,
            port=LVS_SYNC_PORT,
        ),
    )


def _service(stack: Stack, pair: Pair, director: Director, name: str) -> ServicePlan:
    service = director.services[name]
    vip = pair.vips[service.vip]
    weights = real_servers(stack, service)
    return ServicePlan(
        name=name,
        vip=vip.address,
        interface=vip.network,
        port=service.port,
        scheduler=service.scheduler,
        persistence_s=service.persistence_s,
        probe=_probe(service.probe),
        servers=tuple(
            _server(stack, pair, director, service, node, weight=weights[node])
            for node in sorted(weights, key=lambda name: stack.nodes[name].id)
        ),
        fallback=None
        if service.fallback is None
        else _server(stack, pair, director, service, service.fallback, weight=FALLBACK_WEIGHT),
    )


def _probe(probe: Probe) -> ProbePlan:
    if probe.kind is not ProbeKind.REPLICA:
        return ProbePlan(
            kind=probe.kind,
            request=probe.request,
            receive=probe.receive,
            port=None,
            every_s=probe.every_s,
            timeout_s=probe.timeout_s,
        )
    return ProbePlan(
        kind=ProbeKind.HTTP,
        request=READ_AGENT_PATH,
        receive=READ_AGENT_WORDS,
        port=READ_AGENT_PORT,
        every_s=probe.every_s,
        timeout_s=probe.timeout_s,
    )


def _server(
    stack: Stack, pair: Pair, director: Director, service: VirtualService, node: str, *, weight: int
) -> RealServer:
    network = stack.networks[network_towards(stack, pair, director, service, node)]
    return RealServer(
        node=node,
        address=node_address(network, stack.nodes[node]),
        port=service.server_port or service.port,
        weight=weight,
    )


def real_servers(stack: Stack, service: VirtualService) -> dict[str, int]:
    """Node -> weight; a node's own number counts before its tier's."""
    found: dict[str, int] = {}
    for name, weight in service.servers.items():
        if name in stack.tiers:
            found |= dict.fromkeys(stack.tiers[name].nodes, weight)
    return found | {name: weight for name, weight in service.servers.items() if name in stack.nodes}


def answering(stack: Stack, service: VirtualService) -> tuple[str, ...]:
    """Every node that may answer for a service: its real servers, then its fallback."""
    fallback = [service.fallback] if service.fallback is not None else []
    return tuple(dict.fromkeys([*real_servers(stack, service), *fallback]))


def network_towards(
    stack: Stack, pair: Pair, director: Director, service: VirtualService, node: str
) -> str:
    """Network of a real server's address that directors send packets to."""
    if director.forwarding is Forwarding.DR:
        return pair.vips[service.vip].network
    own = stack.nodes[node].networks
    if director.forwarding is Forwarding.NAT:
        return own[0]
    shared = set.intersection(*(set(stack.nodes[name].networks) for name in pair.nodes))
    usable = shared - {stack.management, director.network}
    return next((name for name in own if name in usable), own[0])


def real_server_plan(stack: Stack, node: str) -> RealServerPlan | None:
    """What makes a node a real server; none where no virtual service names it."""
    vips: dict[IPv4Address, AnsweredVip] = {}
    gateway: InsideVip | None = None
    for pair in stack.pairs.values():
        director = pair.director
        if director is None:
            continue
        for service in director.services.values():
            if node not in answering(stack, service):
                continue
            gateway = _inside(pair, director) or gateway
            address = pair.vips[service.vip].address
            known = vips[address].ports if address in vips else ()
            asked = vips[address].asked if address in vips else ()
            probed = {READ_AGENT_PORT} if service.probe.kind is ProbeKind.REPLICA else set()
            vips[address] = AnsweredVip(
                address=address,
                forwarding=director.forwarding,
                interface=network_towards(stack, pair, director, service, node),
                ports=tuple(sorted({*known, service.server_port or service.port})),
                asked=tuple(sorted({*asked, *probed})),
                directors=_seen_from(stack, pair, director, service, node),
            )
    if not vips:
        return None
    return RealServerPlan(vips=tuple(vips[address] for address in sorted(vips)), gateway=gateway)


def _inside(pair: Pair, director: Director) -> InsideVip | None:
    if director.gateway is None:
        return None
    vip = pair.vips[director.gateway]
    return InsideVip(address=vip.address, interface=vip.network)


def _seen_from(
    stack: Stack, pair: Pair, director: Director, service: VirtualService, node: str
) -> tuple[IPv4Address, ...]:
    """Addresses by which a real server sees its directors: of the network that they share, else
    of each one's first, which the hypervisor routes."""
    network = network_towards(stack, pair, director, service, node)
    return tuple(
        node_address(
            stack.networks[network if network in own else own[0]],
            stack.nodes[name],
        )
        for name in by_id(stack, pair)
        for own in [stack.nodes[name].networks]
    )
