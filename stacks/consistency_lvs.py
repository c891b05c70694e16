"""Checks of directors and their real servers."""

from __future__ import annotations

import re
from collections.abc import Iterator

from stacks.members import director_vips
from stacks.model import NetworkMode, Pair, Role, Stack, VipManager, VrrpMode
from stacks.model_lvs import Director, Forwarding, Probe, ProbeKind, VirtualService
from stacks.plan_lvs import answering, real_servers
from stacks.problems import Problem, Ranged, out_of_range, twice

MAX_PORT = 65535
MAX_WEIGHT = 65535
"""ipvsadm(8), --weight."""
MAX_PERSISTENCE_S = 86_400
"""A day: the kernel would take more, and nobody comes back to one server for longer."""
PROBE_RANGE_S = (1, 3600)
PATH = re.compile(r"/[\w./?&=%~+,;:@-]*", re.ASCII)
"""What may stand in a request without quotes (RFC 3986, section 3)."""


def check_lvs(stack: Stack) -> Iterator[Problem]:
    """Every virtual service can be planned, and its real servers are within the method's reach."""
    for name, tier in stack.tiers.items():
        if Role.DIRECTOR in tier.roles:
            yield Problem(f"tiers.{name}.roles", "a tier cannot be a director", "make it a pair")
    for name, pair in stack.pairs.items():
        where = f"pairs.{name}"
        if (Role.DIRECTOR in pair.roles) != (pair.director is not None):
            yield Problem(where, "role director and key director go together", "give both")
        if pair.director is not None:
            yield from _director(stack, where, pair, pair.director)


def _director(stack: Stack, where: str, pair: Pair, director: Director) -> Iterator[Problem]:
    where = f"{where}.director"
    if not director.services:
        yield Problem(f"{where}.services", "there is none", "describe one")
    places = [
        (f"{where}.services.{name}", (service.vip, service.port))
        for name, service in director.services.items()
    ]
    for place, other, _ in twice(places):
        yield Problem(place, f"{other} has its VIP and port", "choose another port")
    yield from _network(stack, where, pair, director)
    yield from _manager(where, pair, director)
    yield from _gateway(where, pair, director)
    for name, service in director.services.items():
        yield from _service(f"{where}.services.{name}", pair, director, service)
        yield from _servers(stack, f"{where}.services.{name}.servers", pair, director, service)


def _network(stack: Stack, where: str, pair: Pair, director: Director) -> Iterator[Problem]:
    place = f"{where}.network"
    lacking = [
        node
        for node in pair.nodes
        if node in stack.nodes and director.network not in stack.nodes[node].networks
    ]
    if lacking:
        yield Problem(
            place,
            f"{' and '.join(sorted(lacking))} have no card in {director.network!r}",
            "name a network of both",
        )
    if director.network == stack.management:
        yield Problem(place, "it is the management network", "name another one of both")
    if director.network in {vip.network for vip in pair.vips.values()}:
        yield Problem(
            place,
            f"{director.network!r} carries VIPs: one fault cuts all links between the directors",
            "name another network of both",
        )


def _manager(where: str, pair: Pair, director: Director) -> Iterator[Problem]:
    """One daemon moves all that directors answer for, and all of it together."""
    vips = [pair.vips[name] for name in director_vips(pair) if name in pair.vips]
    managers = {vip.manager for vip in vips}
    if len(managers) > 1:
        yield Problem(
            f"{where}.services",
            "some of their VIPs are under Heartbeat and some under keepalived",
            "have one of them move all",
        )
    if VipManager.HEARTBEAT in managers and pair.heartbeat is None:
        yield Problem(where, "Heartbeat moves its VIPs and is not described", "add `heartbeat: {}`")
    mode = pair.keepalived.mode if pair.keepalived is not None else None
    if managers == {VipManager.KEEPALIVED} and len(vips) > 1 and mode is VrrpMode.SINGLE:
        yield Problem(
            f"{where}.services", "mode single moves one VIP", "write `mode: sync` for keepalived"
        )
    if director.gateway is not None and mode is VrrpMode.DUAL:
        yield Problem(
            f"{where}.gateway",
            "answers have to come back by the director that has the service's VIP",
            "write `mode: sync` for keepalived",
        )


def _gateway(where: str, pair: Pair, director: Director) -> Iterator[Problem]:
    is_nat = director.forwarding is Forwarding.NAT
    if is_nat and director.gateway not in pair.vips:
        yield Problem(
            f"{where}.gateway",
            "with nat answers come back by a VIP in the real servers' network",
            "name that VIP of the pair",
        )
    if not is_nat and director.gateway is not None:
        yield Problem(
            f"{where}.gateway",
            f"with {director.forwarding} real servers answer their clients themselves",
            "remove it",
        )


def _service(
    where: str, pair: Pair, director: Director, service: VirtualService
) -> Iterator[Problem]:
    if service.vip not in pair.vips:
        known = ", ".join(pair.vips) or "none"
        yield Problem(
            f"{where}.vip", f"the pair has no VIP {service.vip!r}", f"use one of: {known}"
        )
    for role in (Role.MYSQL, Role.NFS):
        settings = getattr(pair, role)
        if settings is not None and settings.vip == service.vip:
            yield Problem(
                f"{where}.vip",
                f"{service.vip!r} is the VIP of the pair's {role}: real servers hold it too, and"
                " would talk to themselves",
                "give the service a VIP of its own",
            )
    if service.server_port not in (None, service.port) and director.forwarding != Forwarding.NAT:
        yield Problem(
            f"{where}.server_port",
            f"with {director.forwarding} a packet keeps its port, {service.port}",
            "remove it, or write nat",
        )
    numbers: list[Ranged] = [("port", service.port, 1, MAX_PORT)]
    if service.server_port is not None:
        numbers.append(("server_port", service.server_port, 1, MAX_PORT))
    if service.persistence_s is not None:
        numbers.append(("persistence_s", service.persistence_s, 1, MAX_PERSISTENCE_S))
    numbers += [(f"servers.{name}", n, 0, MAX_WEIGHT) for name, n in service.servers.items()]
    numbers += [
        ("probe.every_s", service.probe.every_s, *PROBE_RANGE_S),
        ("probe.timeout_s", service.probe.timeout_s, *PROBE_RANGE_S),
    ]
    yield from out_of_range(where, numbers)
    yield from _probe(f"{where}.probe", service.probe)


def _probe(where: str, probe: Probe) -> Iterator[Problem]:
    """What is asked can be asked, and what has to come back can be found, by both daemons."""
    if probe.kind is not ProbeKind.HTTP:
        for key, found, usual in (("request", probe.request, "/"), ("receive", probe.receive, "")):
            if found != usual:
                yield Problem(
                    f"{where}.{key}",
                    f"a probe {probe.kind} asks for no page",
                    "remove it, or write http",
                )
        return
    if not PATH.fullmatch(probe.request):
        yield Problem(
            f"{where}.request",
            f"{probe.request!r} is no path of a page",
            "begin with / and leave out blanks and quotes",
        )
    if not (probe.receive.isprintable() and probe.receive.isascii()):
        yield Problem(
            f"{where}.receive",
            f"{probe.receive!r} is more than a line of ASCII",
            "choose words that both daemons find alike",
        )


def _servers(
    stack: Stack, where: str, pair: Pair, director: Director, service: VirtualService
) -> Iterator[Problem]:
    if not service.servers:
        yield Problem(where, "the service has no real server", "name a node or a tier")
    for name in service.servers:
        if name not in stack.nodes and name not in stack.tiers:
            yield Problem(f"{where}.{name}", "there is no such node or tier", "name one that is")
    if service.fallback is not None:
        place = where.replace(".servers", ".fallback")
        if service.fallback not in stack.nodes:
            yield Problem(place, f"there is no node {service.fallback!r}", "name one that is")
            return
        if service.fallback in real_servers(stack, service):
            yield Problem(place, "it is a real server of the service", "name another node")
        if service.probe.kind is ProbeKind.NONE:
            yield Problem(place, "nobody finds out when it is needed", "give the service a probe")
    for node in answering(stack, service):
        if node in pair.nodes:
            yield Problem(f"{where}.{node}", "a director cannot serve itself", "name another node")
        elif Role.REAL_SERVER not in _roles(stack, node):
            yield Problem(
                f"{where}.{node}", "it is not prepared to answer for a VIP", "add role real_server"
            )
        elif service.vip in pair.vips:
            yield from _reach(stack, f"{where}.{node}", pair, director, service, node)


def _roles(stack: Stack, node: str) -> set[Role]:
    return {
        role for member in stack.members().values() if node in member.nodes for role in member.roles
    }


def _reach(
    stack: Stack, where: str, pair: Pair, director: Director, service: VirtualService, node: str
) -> Iterator[Problem]:
    networks = stack.nodes[node].networks
    shown = pair.vips[service.vip].network
    if director.forwarding is Forwarding.DR and shown not in networks:
        yield Problem(
            where,
            f"dr reaches only the VIP's network {shown}, where it has no card",
            "add one, or write tun",
        )
    if director.forwarding is Forwarding.NAT and director.gateway in pair.vips:
        inside = pair.vips[director.gateway].network
        if networks[:1] != (inside,):
            yield Problem(
                where,
                f"its default route does not lead to the gateway in {inside}: answers would not"
                " come back through the director",
                f"list {inside} first among its networks",
            )
    if director.forwarding is Forwarding.TUN and not _is_routed(stack, pair, node):
        yield Problem(
            where,
            "no way leads there from the directors but management",
            "put it into a network of theirs, or both behind the hypervisor's router (mode open)",
        )


def _is_routed(stack: Stack, pair: Pair, node: str) -> bool:
    """Both in one network, or each one's default route leads to the hypervisor, which lets packets
    from one network into another."""
    ways = [stack.nodes[name].networks for name in (*pair.nodes, node) if name in stack.nodes]
    if set.intersection(*map(set, ways)) - {stack.management}:
        return True
    firsts = [stack.networks[names[0]] for names in ways if names and names[0] in stack.networks]
    return len(firsts) == len(ways) and all(n.mode is NetworkMode.OPEN for n in firsts)
