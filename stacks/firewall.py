"""Which incoming traffic a node accepts: follows from its roles, its VIPs and its peer.

Only what arrives is filtered (nftables input, default drop); each rule names the narrowest source
that the description allows.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network

from stacks import addressing, firewall_lvs
from stacks.model import Pair, Role, Stack, Tier, VipManager
from stacks.model_data import NfsVersion
from stacks.plan_data import data_plan
from stacks.plan_firewall_types import FirewallRule
from stacks.plan_gtid import gtid_plan
from stacks.plan_nfs import nfs_mounts
from stacks.plan_nfs_types import NfsPlan
from stacks.plan_types import VipPlan

SSH_PORT = 22
"""SSH, in the management network only (IANA: ssh)."""


def rules(
    stack: Stack, node: str, member: Pair | Tier, vips: tuple[VipPlan, ...]
) -> tuple[FirewallRule, ...]:
    """Rules of one node, in the order in which they are rendered."""
    management = stack.networks[stack.management]
    found = [
        FirewallRule(
            interface=stack.management,
            protocol="tcp",
            ports=(SSH_PORT,),
            sources=(IPv4Network(addressing.gateway_address(management)),),
            reason="SSH from the hypervisor",
        )
    ]
    found += _vrrp(stack, node, member, vips)
    found += _http(stack, node, member, vips)
    found += _between_web_machines(stack, node, member)
    found += _data(stack, node, member)
    found += _nfs_calls(stack, node, member)
    found += _replication(stack, node, member)
    found += firewall_lvs.directors(stack, node, member)
    found += firewall_lvs.real_servers(stack, node)
    return tuple(found)


def _nfs_calls(stack: Stack, node: str, member: Pair | Tier) -> list[FirewallRule]:
    """Version 3 calls its clients: of a take-over, and of a lock that they have waited for."""
    del node
    return [
        FirewallRule(
            interface=stack.pairs[name].vips[nfs.vip].network,
            protocol=protocol,
            ports=ports,
            sources=tuple(IPv4Network(address) for address in mount.callers),
            reason="locks of NFS version 3, from its servers",
        )
        for mount in nfs_mounts(stack, member)
        for name in stack.pairs
        for nfs in [stack.pairs[name].nfs]
        if nfs is not None and mount.version is NfsVersion.V3
        if stack.pairs[name].vips[nfs.vip].address == mount.server
        for protocol, ports in (
            ("tcp", (addressing.RPCBIND_PORT, mount.lockd_port)),
            ("udp", (addressing.RPCBIND_PORT, mount.statd_port)),
        )
    ]


def _vrrp(
    stack: Stack, node: str, member: Pair | Tier, vips: tuple[VipPlan, ...]
) -> list[FirewallRule]:
    """Adverts from the peer only: unicast VRRP is authenticated by nothing else."""
    if not isinstance(member, Pair):
        return []
    peer = next(name for name in member.nodes if name != node)
    networks = {vip.network for vip in vips if vip.manager is VipManager.KEEPALIVED}
    return [
        FirewallRule(
            interface=name,
            protocol="vrrp",
            ports=(),
            sources=(
                IPv4Network(addressing.node_address(stack.networks[name], stack.nodes[peer])),
            ),
            reason=f"VRRP adverts from {peer}",
        )
        for name in sorted(networks)
    ]


def _between_web_machines(stack: Stack, node: str, member: Pair | Tier) -> list[FirewallRule]:
    """memcached and PHP know no password: only the other web machines reach them."""
    if member.web is None:
        return []
    home = addressing.session_network(stack, member)
    addresses = addressing.session_addresses(stack, member)
    sources = tuple(IPv4Network(address) for name, address in addresses.items() if name != node)
    if not sources:
        return []
    served = [(addressing.SESSION_PORT, "sessions, from the other web machines")]
    if addressing.shares_php(member):
        served.append((addressing.PHP_PORT, "PHP, from the peer's nginx"))
    return [
        FirewallRule(interface=home, protocol="tcp", ports=(port,), sources=sources, reason=reason)
        for port, reason in served
    ]


def _http(
    stack: Stack, node: str, member: Pair | Tier, vips: tuple[VipPlan, ...]
) -> list[FirewallRule]:
    if Role.LB in member.roles:
        return _site(vips)
    if member.web is None:
        return []
    name, _ = addressing.member_of(stack, node)
    balancers = addressing.balancers_of(stack, name)
    if not balancers:
        return _own_site(member, vips)
    home = addressing.shared_network(stack, node, balancers[0])
    network = stack.networks[home]
    return [
        FirewallRule(
            interface=home,
            protocol="tcp",
            ports=(addressing.HTTP_PORT,),
            sources=tuple(
                IPv4Network(addressing.node_address(network, stack.nodes[balancer]))
                for balancer in balancers
            ),
            reason="pages, from the balancers",
        )
    ]


def _own_site(member: Pair | Tier, vips: tuple[VipPlan, ...]) -> list[FirewallRule]:
    """Web machines that are a pair serve at their own VIPs, those of their databases apart."""
    if not isinstance(member, Pair):
        return []
    services = {settings.vip for settings in (member.mysql, member.nfs) if settings is not None}
    return _site(vip for vip in vips if vip.name not in services)


def _site(vips: Iterable[VipPlan]) -> list[FirewallRule]:
    return [
        FirewallRule(
            interface=name,
            protocol="tcp",
            ports=(addressing.HTTP_PORT,),
            sources=(),
            reason="the site, from anywhere",
        )
        for name in sorted({vip.network for vip in vips})
    ]


def _data(stack: Stack, node: str, member: Pair | Tier) -> list[FirewallRule]:
    """Replication and heartbeats from the peer, services from their clients, nothing else."""
    data = data_plan(stack, node, member)
    if data is None:
        return []
    peer = next(name for name in member.nodes if name != node)
    found = [
        FirewallRule(
            interface=link.interface,
            protocol="udp",
            ports=(data.heartbeat.port,),
            sources=(IPv4Network(link.peer_address),),
            reason=f"heartbeats from {peer}",
        )
        for link in data.heartbeat.links
    ]
    line = data.fence.outdate
    if line is not None:
        found.append(
            FirewallRule(
                interface=line.interface,
                protocol="udp",
                ports=(line.port,),
                sources=(IPv4Network(line.peer_address),),
                reason=f"outdating, asked for by {peer}",
            )
        )
    for network in sorted({resource.network for resource in data.drbd.resources}):
        mine = [resource for resource in data.drbd.resources if resource.network == network]
        address = next(side.address for side in mine[0].sides if side.node == peer)
        found.append(
            FirewallRule(
                interface=network,
                protocol="tcp",
                ports=tuple(resource.port for resource in mine),
                sources=(IPv4Network(address),),
                reason=f"replication from {peer}",
            )
        )
    services: list[tuple[str, str, tuple[int, ...], tuple[IPv4Address, ...]]] = []
    if data.mysql is not None:
        clients = tuple(dict.fromkeys((*data.mysql.clients, *data.mysql.replicas)))
        services.append(("mysql", "tcp", (data.mysql.port,), clients))
    if data.nfs is not None:
        services += [
            ("nfs", protocol, ports, data.nfs.clients) for protocol, ports in _nfs_ports(data.nfs)
        ]
    for name, protocol, ports, clients in services:
        if clients:
            found.append(
                FirewallRule(
                    interface=data.group(name).interface,
                    protocol=protocol,
                    ports=ports,
                    sources=tuple(IPv4Network(address) for address in clients),
                    reason=f"{name}, from its clients",
                )
            )
    return found


def _nfs_ports(nfs: NfsPlan) -> tuple[tuple[str, tuple[int, ...]], ...]:
    """Protocol and ports; statd's messages go by UDP alone."""
    if nfs.version is not NfsVersion.V3:
        return (("tcp", (addressing.NFS_PORT,)),)
    many = (nfs.statd_port, nfs.lockd_port, nfs.mountd_port)
    return (
        ("tcp", (addressing.RPCBIND_PORT, addressing.NFS_PORT, *many)),
        ("udp", (addressing.RPCBIND_PORT, nfs.statd_port)),
    )


def _replication(stack: Stack, node: str, member: Pair | Tier) -> list[FirewallRule]:
    """MySQL from the other node of a GTID pair, and from the pair's clients; their splitters."""
    gtid = gtid_plan(stack, node, member)
    if gtid is None:
        return []
    port, clients = gtid.mysql.port, gtid.mysql.clients
    sources: list[tuple[str, int, tuple[IPv4Address, ...], str]] = [
        (gtid.network, port, (gtid.peer_address,), f"replication from {gtid.peer}")
    ]
    if clients:
        sources.append((gtid.vip_interface, port, clients, "mysql, from its clients"))
    if clients and gtid.split is not None:
        asked = "what the server is good for, from splitters"
        sources.append((gtid.vip_interface, gtid.split.port, clients, asked))
    return [
        FirewallRule(
            interface=interface,
            protocol="tcp",
            ports=(port,),
            sources=tuple(IPv4Network(address) for address in addresses),
            reason=reason,
        )
        for interface, port, addresses, reason in sources
    ]
