"""The data pairs' part of the plan, and their clients'; ``stacks.plan_data`` computes it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address

from stacks.model_data import FencingDevice
from stacks.plan_mysql_types import MysqlPlan
from stacks.plan_nfs_types import NfsPlan


class DrbdFencing(StrEnum):
    """What DRBD does when it loses its peer (drbd.conf(5), fencing)."""

    RESOURCE_AND_STONITH = "resource-and-stonith"
    """Freezes I/O until the handler says that the peer is outdated or off."""
    RESOURCE_ONLY = "resource-only"
    """Calls the handler and goes on meanwhile."""
    DONT_CARE = "dont-care"
    """Nothing."""


@dataclass(frozen=True, kw_only=True)
class DrbdSide:
    """One node's side of a DRBD resource."""

    node: str
    """Node, by its ``uname -n``."""
    address: IPv4Address
    """Its address in the replication network."""
    disk: str
    """Backing disk by identity, ``/dev/disk/by-id/...``."""
    meta_disk: str
    """``internal``, or the metadata's disk by identity."""


@dataclass(frozen=True, kw_only=True)
class DrbdResource:
    """One replicated disk."""

    name: str
    """Name of the disk in the description."""
    minor: int
    """The disk's ``id``."""
    device: str
    """``/dev/drbd<minor>``."""
    port: int
    """7788 (the documents') plus the minor."""
    network: str
    """Network that carries the replication."""
    size_mib: int
    """From the description."""
    metadata_mib: int
    """Size of the metadata's own disk; 0: internal."""
    sides: tuple[DrbdSide, DrbdSide]
    """Both nodes, by node id."""
    mount_point: str
    """``/srv/<disk>``."""


@dataclass(frozen=True, kw_only=True)
class DrbdPlan:
    """DRBD on one node of a pair."""

    resources: tuple[DrbdResource, ...]
    """All of the pair, by minor."""
    fencing: DrbdFencing
    """From the description's ``fencing``: with a device that powers off or a person's word it is
    resource-and-stonith, with dopd alone resource-only."""
    resync_rate_mib: int
    """From the description."""
    verify: str
    """From the description."""
    secret: str
    """Name of the secret with which both nodes know each other."""
    initialiser: str
    """Node that makes the file systems, once: the one that is configured last, when its peer's
    disks are connected."""
    may_initialise: bool
    """Whether a disk that a fact proves empty may be given metadata and a file system: the flag
    without which nothing is ever written over a disk."""


@dataclass(frozen=True, kw_only=True)
class GroupDisk:
    """A replicated disk and its file system, which move with a group."""

    resource: str
    """Its DRBD resource."""
    device: str
    """The resource's device."""
    mount_point: str
    """Where its file system is mounted."""
    mount_unit: str
    """systemd unit of that mount; nothing but Heartbeat starts it."""


@dataclass(frozen=True, kw_only=True)
class FurtherVip:
    """A VIP that moves with a group and stands for nothing else."""

    address: IPv4Address
    """The VIP."""
    prefix: int
    """Prefix length of its network."""
    interface: str
    """Interface that holds it."""


@dataclass(frozen=True, kw_only=True)
class ServiceGroup:
    """What moves together between the nodes: disk, file system, daemons, VIP."""

    name: str
    """``mysql``, ``nfs`` or ``director``."""
    prefers: str
    """Node that holds it in steady state: the preferred one of its VIP."""
    disk: GroupDisk | None
    """What it has on a replicated disk; none: it keeps nothing, and is fenced for nothing."""
    units: tuple[str, ...]
    """Its daemons' units, in the order in which they start."""
    after_vip: tuple[str, ...]
    """Units that need the VIP: they start after it, and end before it goes."""
    vip: IPv4Address
    """Its VIP: last at start, first at stop."""
    prefix: int
    """Prefix length of the VIP's network."""
    interface: str
    """Interface that holds the VIP."""
    further: tuple[FurtherVip, ...] = ()
    """Directors' other VIPs, that of their real servers' route among them."""

    @property
    def on_disk(self) -> GroupDisk:
        """The disk of a group that has one."""
        assert self.disk is not None, f"group {self.name} has no disk"
        return self.disk

    @property
    def key(self) -> str:
        """Heartbeat's name for it: the first resource of its line in haresources."""
        if self.disk is not None:
            return f"drbddisk::{self.disk.resource}"
        if self.units:
            return f"pwunit::{'::'.join(self.units)}"
        return f"pwvip::{self.vip}/{self.prefix}::{self.interface}"


@dataclass(frozen=True, kw_only=True)
class HeartbeatLink:
    """One path between the two nodes."""

    interface: str
    """Interface of both nodes."""
    peer_address: IPv4Address
    """The other node's address on it."""


@dataclass(frozen=True, kw_only=True)
class HeartbeatPlan:
    """Heartbeat on one node of a pair."""

    nodes: tuple[str, str]
    """Both nodes, by id: the same line on both."""
    port: int
    """694 (IANA: ha-cluster)."""
    links: tuple[HeartbeatLink, ...]
    """The replication network first, then the VIPs' network: two at least."""
    ping: IPv4Address
    """From the description, else the hypervisor's address in the VIPs' network."""
    client_interface: str
    """Interface of the VIPs: the client link."""
    keepalive_s: int
    """From the description."""
    warntime_s: int
    """From the description."""
    deadtime_s: int
    """From the description."""
    initdead_s: int
    """From the description."""
    secret: str
    """Name of the secret in authkeys: from the second key on it ends with the key's number."""
    key: int
    """From the description; above 1 both nodes have what takes another key while the pair runs."""


@dataclass(frozen=True, kw_only=True)
class OutdateLine:
    """Over which the nodes of a pair ask each other to outdate copies: the clients' network, since
    replication has gone when they ask."""

    interface: str
    """Interface of both nodes."""
    address: IPv4Address
    """This node's address on it."""
    peer_address: IPv4Address
    """The other node's."""
    port: int
    """7787 (UDP): one below DRBD's first."""


@dataclass(frozen=True, kw_only=True)
class FencePlan:
    """How a node has its peer powered off."""

    devices: tuple[FencingDevice, ...]
    """From the description."""
    peer: str
    """Node that it may have powered off: the only one."""
    endpoint: IPv4Address
    """The hypervisor's address in the management network, which no pair link uses."""
    port: int
    """Port of the endpoint's SSH server."""
    user: str
    """Its user; the key decides what may be asked."""
    key_secret: str
    """Name of the secret: this node's private key."""
    host_key: str
    """Name of the value that holds the endpoint's public host key."""
    outdate: OutdateLine | None
    """None where dopd alone fences, or nothing."""
    delays_s: dict[str, int]
    """Seconds that a node hesitates before it has a living peer powered off, by the first group of
    ``survivor`` that it holds; ``-`` for a node that holds none. So the survivor wins."""

    @property
    def has_dopd(self) -> bool:
        """Whether the description wants the documents' fencing, which is dopd alone."""
        return FencingDevice.DOPD in self.devices


@dataclass(frozen=True, kw_only=True)
class DataPlan:
    """Everything that a node of a data pair needs beyond what every node has."""

    drbd: DrbdPlan
    """Its disks."""
    heartbeat: HeartbeatPlan
    """Who holds what."""
    groups: tuple[ServiceGroup, ...]
    """What moves, in the order of ``haresources``."""
    fence: FencePlan
    """How the peer is made harmless."""
    mysql: MysqlPlan | None
    """For role mysql."""
    nfs: NfsPlan | None
    """For role nfs."""

    def group(self, name: str) -> ServiceGroup:
        """The group of that name, which is its role's."""
        return next(group for group in self.groups if group.name == name)

    def resource_of(self, group: ServiceGroup) -> DrbdResource:
        """The replicated disk that a group lives on."""
        return next(item for item in self.drbd.resources if item.name == group.on_disk.resource)

    @property
    def secrets(self) -> tuple[str, ...]:
        """Names of the values that its templates hold and the plan does not."""
        names = [self.heartbeat.secret]
        if self.drbd.resources:
            names.append(self.drbd.secret)
        if FencingDevice.HYPERVISOR in self.fence.devices:
            names += [self.fence.key_secret, self.fence.host_key]
        if self.mysql is not None:
            names += self.mysql.secrets
        return tuple(names)
