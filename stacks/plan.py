"""Stack -> Plan: every derived fact, computed once.

Each rule stands here or in ``stacks.firewall``; the docstrings of ``stacks.plan_types`` say in
words which rule made which field.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Network

from stacks import firewall, firewall_lvs
from stacks.addressing import (
    HEALTH_PATH,
    LAB_NOTIFY_PATH,
    LAB_PORT,
    STATUS_PORT,
    bridge_name,
    gateway_address,
    mac_address,
    member_of,
    metadata_mib,
    metadata_wwn,
    node_address,
    volume_wwn,
)
from stacks.model import Node, Pair, Stack, Tier, VipManager, VrrpMode
from stacks.model_data import Metadata, NfsVersion
from stacks.plan_data import data_plan
from stacks.plan_gtid import gtid_plan, split_plan
from stacks.plan_instances import instance_plans, instance_secrets
from stacks.plan_lvs import director_plan, real_server_plan
from stacks.plan_nfs import nfs_mounts
from stacks.plan_types import (
    DeployPlan,
    DiskPlan,
    Interface,
    NameEntry,
    NetworkPlan,
    NodePlan,
    NotifyPlan,
    Plan,
    VipPlan,
)
from stacks.plan_vrrp_types import KeepalivedPlan, VrrpInstance
from stacks.plan_web import balancer_plan, web_plan

PRIORITY_PREFERRED = 101
"""VRRP priority of the preferred node (documents 000 and 003)."""
PRIORITY_BACKUP = 90
"""VRRP priority of the other node (document 000)."""
PRIORITY_BACKUP_SYNC = 100
"""VRRP priority of the other node of a sync group (document 003)."""
VRRP_PRIORITY_RANGE = 256
"""Skew is (256 - priority) / 256 adverts (RFC 9568 section 6.1)."""


def make_plan(stack: Stack) -> Plan:
    """Everything that follows from a checked description."""
    vips = tuple(
        _vip(stack, pair_name, pair, name)
        for pair_name, pair in sorted(stack.pairs.items())
        for name in sorted(pair.vips)
        if name in _vips_in_force(pair)
    )
    nodes = {name: _node(stack, name, vips) for name in stack.nodes}
    return Plan(
        stack=stack.name,
        description=stack.description,
        domain=stack.domain,
        id=stack.id,
        image=stack.image,
        hypervisors=stack.hypervisors,
        protect_data=stack.protect_data,
        management=stack.management,
        networks={name: _network(stack, name, nodes, vips) for name in stack.networks},
        nodes=nodes,
        vips=vips,
        deploys={
            name: DeployPlan(
                stack=stack.name,
                deploy=name,
                is_pair=isinstance(member, Pair),
                nodes={node: nodes[node] for node in sorted(member.nodes)},
                secrets=_secrets([nodes[node] for node in sorted(member.nodes)]),
            )
            for name, member in stack.members().items()
        },
    )


def _secrets(nodes: Sequence[NodePlan]) -> tuple[str, ...]:
    """Names of what the templates of a Deploy's nodes hold and no plan may."""
    names: list[str] = []
    for node in nodes:
        if node.data is not None:
            names += node.data.secrets
        if node.gtid is not None:
            names += node.gtid.secrets
        if node.web is not None:
            names += node.web.secrets
        names += instance_secrets(node.instances)
    return tuple(sorted(set(names)))


def _vips_in_force(pair: Pair) -> set[str]:
    """All VIPs, but in mode single only that with the lowest VRID of those under keepalived."""
    ours = [name for name, vip in pair.vips.items() if vip.manager is VipManager.KEEPALIVED]
    if pair.keepalived is None or pair.keepalived.mode is not VrrpMode.SINGLE:
        return set(pair.vips)
    lowest = min(ours, key=lambda name: pair.vips[name].vrid or 0)
    return set(pair.vips) - set(ours) | {lowest}


def _vip(stack: Stack, pair_name: str, pair: Pair, name: str) -> VipPlan:
    vip = pair.vips[name]
    return VipPlan(
        name=name,
        pair=pair_name,
        address=vip.address,
        prefix=stack.networks[vip.network].cidr.prefixlen,
        network=vip.network,
        prefers=vip.prefers,
        manager=vip.manager,
        vrid=vip.vrid,
        dns=f"{vip.dns or f'{pair_name}-{name}'}.{stack.domain}",
    )


def _network(
    stack: Stack, name: str, nodes: dict[str, NodePlan], vips: tuple[VipPlan, ...]
) -> NetworkPlan:
    network = stack.networks[name]
    entries = [
        NameEntry(address=node.interface(name).address, names=(node.fqdn,))
        for node in nodes.values()
        if node.interfaces[0].network == name
    ]
    entries += [
        NameEntry(address=vip.address, names=(vip.dns,)) for vip in vips if vip.network == name
    ]
    return NetworkPlan(
        name=name,
        bridge=bridge_name(stack=stack.id, network=name),
        cidr=network.cidr,
        gateway=gateway_address(network),
        mode=network.mode,
        domain=stack.domain,
        dns=tuple(sorted(entries, key=lambda entry: entry.address)),
    )


def _node(stack: Stack, name: str, vips: tuple[VipPlan, ...]) -> NodePlan:
    node = stack.nodes[name]
    member_name, member = member_of(stack, name)
    peer = next((n for n in member.nodes if n != name), None) if isinstance(member, Pair) else None
    own_vips = tuple(vip for vip in vips if vip.pair == member_name)
    mounts = nfs_mounts(stack, member)
    # statd compares who tells it of a take-over with the server that it knows, by asking for both.
    told_by = {mount.server for mount in mounts if mount.version is NfsVersion.V3}
    named = tuple(vip for vip in vips if vip in own_vips or vip.address in told_by)
    management = stack.networks[stack.management]
    return NodePlan(
        name=name,
        fqdn=f"{name}.{stack.domain}",
        id=node.id,
        machine=f"{stack.name}-{name}",
        member=member_name,
        peer=peer,
        roles=tuple(sorted(member.roles)),
        hypervisor=node.hypervisor,
        vcpus=node.vcpus,
        memory_mib=node.memory_mib,
        interfaces=tuple(_interface(stack, node, network) for network in node.networks),
        management_address=node_address(management, node),
        ssh_sources=(IPv4Network(gateway_address(management)),),
        disks=_disks(stack, name, member) if isinstance(member, Pair) else (),
        hosts=_hosts(stack, name, member, named),
        firewall=firewall.rules(stack, name, member, own_vips),
        forwards=firewall_lvs.forwards(stack, name, member),
        time_servers=stack.time_servers,
        keepalived=_keepalived(stack, name, member, own_vips),
        balancer=balancer_plan(stack, member),
        web=web_plan(stack, name, member_name, member),
        data=data_plan(stack, name, member),
        gtid=gtid_plan(stack, name, member),
        director=director_plan(stack, name, member),
        real_server=real_server_plan(stack, name),
        instances=instance_plans(stack, name, member),
        split=split_plan(stack, member),
        mounts=mounts,
        notify=_notify(stack, node),
    )


def _interface(stack: Stack, node: Node, network_name: str) -> Interface:
    network = stack.networks[network_name]
    first = network_name == node.networks[0]
    return Interface(
        network=network_name,
        name=network_name,
        mac=mac_address(stack=stack.id, network=network.id, node=node.id),
        address=node_address(network, node),
        prefix=network.cidr.prefixlen,
        gateway=gateway_address(network) if first else None,
    )


def _disks(stack: Stack, node: str, pair: Pair) -> tuple[DiskPlan, ...]:
    disks = []
    for name, disk in sorted(pair.disks.items(), key=lambda item: item[1].id):
        numbers = {"stack": stack.id, "disk": disk.id, "node": stack.nodes[node].id}
        kinds = [("", disk.size_mib, volume_wwn(**numbers))]
        if disk.metadata is Metadata.EXTERNAL:
            kinds.append(("metadata", metadata_mib(disk.size_mib), metadata_wwn(**numbers)))
        disks += [
            DiskPlan(
                resource=name,
                name=f"{name}-{kind}" if kind else name,
                volume=f"{stack.name}-{node}-{name}.{kind}.raw".replace("..", "."),
                size_mib=size_mib,
                wwn=wwn,
                device=f"/dev/disk/by-id/wwn-0x{wwn}",
            )
            for kind, size_mib, wwn in kinds
        ]
    return tuple(disks)


def _hosts(
    stack: Stack, node: str, member: Pair | Tier, vips: tuple[VipPlan, ...]
) -> tuple[NameEntry, ...]:
    """Itself, its peer, the pair's VIPs, and the machines that its balancer talks to."""
    names = [node]
    if isinstance(member, Pair):
        names += [other for other in member.nodes if other != node]
        if member.balancer is not None:
            names += stack.members()[member.balancer.upstream].nodes
    entries = [
        NameEntry(
            address=node_address(stack.networks[stack.nodes[name].networks[0]], stack.nodes[name]),
            names=(f"{name}.{stack.domain}", name),
        )
        for name in dict.fromkeys(names)
    ]
    entries += [NameEntry(address=vip.address, names=(vip.dns,)) for vip in vips]
    return tuple(sorted(entries, key=lambda entry: entry.address))


def _keepalived(
    stack: Stack, node: str, member: Pair | Tier, vips: tuple[VipPlan, ...]
) -> KeepalivedPlan | None:
    if not isinstance(member, Pair) or member.keepalived is None:
        return None
    mine = sorted(
        (vip for vip in vips if vip.manager is VipManager.KEEPALIVED),
        key=lambda vip: vip.vrid or 0,
    )
    return KeepalivedPlan(
        mode=member.keepalived.mode,
        instances=tuple(_vrrp_instance(stack, node, member, vip) for vip in mine),
        check_url=f"http://127.0.0.1:{STATUS_PORT}{HEALTH_PATH}",
    )


def _vrrp_instance(stack: Stack, node: str, pair: Pair, vip: VipPlan) -> VrrpInstance:
    assert pair.keepalived is not None
    assert vip.vrid is not None
    network = stack.networks[vip.network]
    peer = next(name for name in pair.nodes if name != node)
    preferred = vip.prefers == node
    sync = pair.keepalived.mode is VrrpMode.SYNC
    backup = PRIORITY_BACKUP_SYNC if sync else PRIORITY_BACKUP
    interval = pair.keepalived.advert_interval_s
    skew = (VRRP_PRIORITY_RANGE - backup) / VRRP_PRIORITY_RANGE * interval
    return VrrpInstance(
        name=vip.name,
        interface=vip.network,
        vrid=vip.vrid,
        priority=PRIORITY_PREFERRED if preferred else backup,
        preferred=preferred,
        advert_interval_s=interval,
        own_address=node_address(network, stack.nodes[node]),
        peer_address=node_address(network, stack.nodes[peer]),
        vip=vip.address,
        prefix=network.cidr.prefixlen,
        takeover_s=round(3 * interval + skew, 3),
    )


def _notify(stack: Stack, node: Node) -> NotifyPlan | None:
    """Nothing where no destination is left: the lab's is that of an embedded hypervisor only."""
    wanted = stack.notify
    if wanted is None:
        return None
    hypervisor = gateway_address(stack.networks[stack.management])
    in_lab = wanted.lab and stack.hypervisors[node.hypervisor] == "embedded"
    lab_url = f"http://{hypervisor}:{LAB_PORT}{LAB_NOTIFY_PATH}" if in_lab else None
    if not (wanted.mail or wanted.command or lab_url):
        return None
    return NotifyPlan(mail=wanted.mail, command=wanted.command, lab_url=lab_url)
