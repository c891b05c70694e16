"""``pairwise graph``: the topology of a stack as a Mermaid diagram, from its plan."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.plan_types import Plan


def mermaid(plan: Plan) -> str:
    """Networks, nodes, VIPs with their preferred holders, replicated disks, balancing."""
    lines = ["graph TB"]
    lines += _networks(plan)
    lines += _members(plan)
    lines += _vips(plan)
    lines += _disks(plan)
    lines += _balancing(plan)
    return "\n".join(lines) + "\n"


def _id(kind: str, name: str) -> str:
    return f"{kind}_{name.replace('-', '_').replace('.', '_')}"


def _networks(plan: Plan) -> Iterator[str]:
    for name, network in plan.networks.items():
        management = ", SSH and fencing" if name == plan.management else ""
        label = f"{name} {network.cidr}<br/>{network.mode}{management}"
        yield f'  {_id("net", name)}{{{{"{label}"}}}}'


def _members(plan: Plan) -> Iterator[str]:
    for name, part in plan.deploys.items():
        kind = "pair" if part.is_pair else "tier"
        roles = ", ".join(str(role) for role in part.first.roles)
        yield f'  subgraph {_id(kind, name)}["{kind} {name}: {roles}"]'
        for node in part.nodes.values():
            yield f'    {_id("node", node.name)}["{node.name}<br/>{node.interfaces[0].address}"]'
        yield "  end"
        for node in part.nodes.values():
            # The management network reaches every node: drawn, it would hide the rest.
            for interface in node.interfaces:
                if interface.network != plan.management:
                    yield f"  {_id('net', interface.network)} --- {_id('node', node.name)}"


def _vips(plan: Plan) -> Iterator[str]:
    for vip in plan.vips:
        own = _id("vip", f"{vip.pair}-{vip.name}")
        yield f'  {own}(["VIP {vip.name} {vip.address}<br/>{vip.dns}, {vip.manager}"])'
        for node in plan.slice(vip.pair).nodes:
            arrow = f"==>|prefers| {_id('node', node)}"
            if node != vip.prefers:
                arrow = f"-.->|backup| {_id('node', node)}"
            yield f"  {own} {arrow}"


def _disks(plan: Plan) -> Iterator[str]:
    for part in plan.deploys.values():
        nodes = sorted(part.nodes)
        for disk in part.nodes[nodes[0]].disks:
            ends = [_id("node", node) for node in nodes]
            yield f'  {ends[0]} <-->|"DRBD {disk.resource} {disk.size_mib} MiB"| {ends[1]}'


def _balancing(plan: Plan) -> Iterator[str]:
    for node in plan.nodes.values():
        if node.director is not None:
            own, method = _id("node", node.name), node.director.forwarding
            servers = [server.node for s in node.director.services for server in s.servers]
            for name in dict.fromkeys(servers):
                yield f"  {own} -->|{method}| {_id('node', name)}"
        if node.balancer is None:
            continue
        for upstream in node.balancer.upstreams:
            own, other = _id("node", node.name), _id("node", upstream.node)
            yield f"  {own} -->|{node.balancer.method}| {other}"
