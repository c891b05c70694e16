"""Data pairs and their clients: what follows for them from a checked description."""

from __future__ import annotations

from stacks.addressing import (
    DRBD_PORT,
    FENCE_PORT,
    FENCE_USER,
    HEARTBEAT_PORT,
    OUTDATE_PORT,
    gateway_address,
    metadata_mib,
    metadata_wwn,
    node_address,
    volume_wwn,
)
from stacks.members import (
    by_id,
    director_vips,
    directs_under_heartbeat,
    member_name,
)
from stacks.model import Pair, Stack, Tier
from stacks.model_data import FencingDevice, Metadata, NfsVersion
from stacks.plan_data_types import (
    DataPlan,
    DrbdFencing,
    DrbdPlan,
    DrbdResource,
    DrbdSide,
    FencePlan,
    FurtherVip,
    GroupDisk,
    HeartbeatLink,
    HeartbeatPlan,
    OutdateLine,
    ServiceGroup,
)
from stacks.plan_mysql import mysql_plan
from stacks.plan_nfs import nfs_plan

GROUP_UNITS = {
    "mysql": ("mysql.service",),
    # The client records are read before the server starts, and closed before the unmount.
    "nfs": ("nfsdcld.service", "nfs-server.service"),
    # Both nodes hold the table and look at the real servers all the time: only the VIP moves.
    "director": (),
}
"""Daemons of each group, in the order in which they start."""
NFS3_UNITS = ("rpc-statd.service", "nfs-server.service")
"""The same for NFS version 3: its clients' records are statd's."""
NFS3_NOTIFY = "pairwise-nfs-notify.service"
"""Tells version 3's clients of a take-over, from the VIP: they claim their locks again."""
FENCE_STEP_S = 10
"""Seconds between two places of the survivor order. The active node notices a cut within 2 s
(DRBD's ping-int and ping-timeout) and asks its peer to outdate itself for as long as Heartbeat
hears it, the dead time of 8 s; an idle one asks through Heartbeat after that time. With 6 s the
active node was first by 2 s (seen once). A peer that is off costs no delay at all."""
FENCE_HOST_KEY = "fence-host-key"
"""Name of the value that holds the fence endpoint's public host key: known to its lab only."""
NO_GROUP = "-"
"""Place of a node that holds no group in the order of fencing."""


def data_plan(stack: Stack, node: str, member: Pair | Tier) -> DataPlan | None:
    """What a node of a data pair needs; none where Heartbeat manages nothing."""
    if not isinstance(member, Pair) or member.heartbeat is None:
        return None
    resources = _resources(stack, member)
    return DataPlan(
        drbd=_drbd(stack, member, resources),
        heartbeat=_heartbeat(stack, node, member),
        groups=_groups(stack, member, resources),
        fence=fence_plan(stack, node, member),
        mysql=mysql_plan(stack, node, member) if member.replication is None else None,
        nfs=nfs_plan(stack, member),
    )


def group_names(pair: Pair) -> tuple[str, ...]:
    """Groups that a pair has under Heartbeat, in the order of ``survivor``."""
    return tuple(n for n in fence_order(pair) if n != "mysql" or pair.replication is None)


def fence_order(pair: Pair) -> tuple[str, ...]:
    """What makes a node the survivor of a cut, first thing first: its groups, and its source."""
    found = [name for name in ("mysql", "nfs") if getattr(pair, name) is not None]
    if directs_under_heartbeat(pair):
        found.append("director")
    first = [name for name in pair.survivor if name in found]
    return tuple(dict.fromkeys([*first, *found]))


def group_vips(pair: Pair, name: str) -> tuple[str, ...]:
    """VIPs that a group moves, by name in the description; the first one stands for the group."""
    if name == "director":
        return director_vips(pair)
    return (getattr(pair, name).vip,)


def _resources(stack: Stack, pair: Pair) -> tuple[DrbdResource, ...]:
    nodes = by_id(stack, pair)
    found = []
    for name, disk in sorted(pair.disks.items(), key=lambda item: item[1].id):
        network = stack.networks[disk.network]
        one, other = (
            DrbdSide(
                node=node,
                address=node_address(network, stack.nodes[node]),
                disk="/dev/disk/by-id/wwn-0x"
                + volume_wwn(stack=stack.id, disk=disk.id, node=stack.nodes[node].id),
                meta_disk="/dev/disk/by-id/wwn-0x"
                + metadata_wwn(stack=stack.id, disk=disk.id, node=stack.nodes[node].id)
                if disk.metadata is Metadata.EXTERNAL
                else "internal",
            )
            for node in nodes
        )
        found.append(
            DrbdResource(
                name=name,
                minor=disk.id,
                device=f"/dev/drbd{disk.id}",
                port=DRBD_PORT + disk.id,
                network=disk.network,
                size_mib=disk.size_mib,
                metadata_mib=metadata_mib(disk.size_mib)
                if disk.metadata is Metadata.EXTERNAL
                else 0,
                sides=(one, other),
                mount_point=f"/srv/{name}",
            )
        )
    return tuple(found)


def _drbd(stack: Stack, pair: Pair, resources: tuple[DrbdResource, ...]) -> DrbdPlan:
    return DrbdPlan(
        resources=resources,
        fencing=drbd_fencing(pair.fencing),
        resync_rate_mib=pair.drbd.resync_rate_mib,
        verify=pair.drbd.verify,
        secret=f"{member_name(stack, pair)}-drbd",
        initialiser=_initialiser(stack, pair),
        may_initialise=True,
    )


def _initialiser(stack: Stack, pair: Pair) -> str:
    """The node that more groups prefer; where both have as many, the one with the lower id."""
    preferred = [pair.vips[group_vips(pair, name)[0]].prefers for name in group_names(pair)]
    return max(pair.nodes, key=lambda name: (preferred.count(name), -stack.nodes[name].id))


def drbd_fencing(devices: tuple[FencingDevice, ...]) -> DrbdFencing:
    """DRBD's policy that goes with the ways of fencing."""
    if FencingDevice.HYPERVISOR in devices or FencingDevice.CONFIRM in devices:
        return DrbdFencing.RESOURCE_AND_STONITH
    return DrbdFencing.RESOURCE_ONLY if devices else DrbdFencing.DONT_CARE


def _heartbeat(stack: Stack, node: str, pair: Pair) -> HeartbeatPlan:
    assert pair.heartbeat is not None
    settings = pair.heartbeat
    peer = next(name for name in pair.nodes if name != node)
    client = _client_network(pair)
    between = [disk.network for disk in pair.disks.values()]
    if pair.director is not None:
        between.append(pair.director.network)
    networks = list(dict.fromkeys([*between, client]))
    secret = f"{member_name(stack, pair)}-heartbeat"
    return HeartbeatPlan(
        nodes=by_id(stack, pair),
        port=HEARTBEAT_PORT,
        links=tuple(
            HeartbeatLink(
                interface=name,
                peer_address=node_address(stack.networks[name], stack.nodes[peer]),
            )
            for name in networks
        ),
        ping=settings.ping or gateway_address(stack.networks[client]),
        client_interface=client,
        keepalive_s=settings.keepalive_s,
        warntime_s=settings.warntime_s,
        deadtime_s=settings.deadtime_s,
        initdead_s=settings.initdead_s,
        secret=secret if settings.key == 1 else f"{secret}-{settings.key}",
        key=settings.key,
    )


def _client_network(pair: Pair) -> str:
    first = group_names(pair)[0]
    return pair.vips[group_vips(pair, first)[0]].network


def _groups(
    stack: Stack, pair: Pair, resources: tuple[DrbdResource, ...]
) -> tuple[ServiceGroup, ...]:
    by_name = {resource.name: resource for resource in resources}
    groups = []
    for name in sorted(group_names(pair)):
        vip = pair.vips[group_vips(pair, name)[0]]
        disk = None if name == "director" else _group_disk(by_name[getattr(pair, name).disk])
        old = name == "nfs" and pair.nfs is not None and pair.nfs.version is NfsVersion.V3
        groups.append(
            ServiceGroup(
                name=name,
                prefers=vip.prefers,
                disk=disk,
                units=NFS3_UNITS if old else GROUP_UNITS[name],
                after_vip=(NFS3_NOTIFY,) if old else (),
                vip=vip.address,
                prefix=stack.networks[vip.network].cidr.prefixlen,
                interface=vip.network,
                further=tuple(
                    FurtherVip(
                        address=pair.vips[more].address,
                        prefix=stack.networks[pair.vips[more].network].cidr.prefixlen,
                        interface=pair.vips[more].network,
                    )
                    for more in group_vips(pair, name)[1:]
                ),
            )
        )
    return tuple(groups)


def _group_disk(resource: DrbdResource) -> GroupDisk:
    return GroupDisk(
        resource=resource.name,
        device=resource.device,
        mount_point=resource.mount_point,
        # systemd.unit(5): an escaped path; disk names may hold hyphens.
        mount_unit=f"srv-{resource.name.replace('-', chr(92) + 'x2d')}.mount",
    )


def fence_plan(stack: Stack, node: str, pair: Pair) -> FencePlan:
    """How a node of a pair has the other one powered off."""
    peer = next(name for name in pair.nodes if name != node)
    names = fence_order(pair)
    delays = {name: place * FENCE_STEP_S for place, name in enumerate(names)}
    return FencePlan(
        devices=pair.fencing,
        peer=peer,
        endpoint=gateway_address(stack.networks[stack.management]),
        port=FENCE_PORT,
        user=FENCE_USER,
        key_secret=f"{node}-fence",
        host_key=FENCE_HOST_KEY,
        outdate=_outdate(stack, node, pair, peer),
        delays_s={**delays, NO_GROUP: len(names) * FENCE_STEP_S},
    )


def _outdate(stack: Stack, node: str, pair: Pair, peer: str) -> OutdateLine | None:
    if not pair.disks or drbd_fencing(pair.fencing) is not DrbdFencing.RESOURCE_AND_STONITH:
        return None
    client = _client_network(pair)
    return OutdateLine(
        interface=client,
        address=node_address(stack.networks[client], stack.nodes[node]),
        peer_address=node_address(stack.networks[client], stack.nodes[peer]),
        port=OUTDATE_PORT,
    )
