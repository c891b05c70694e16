"""The plan: everything that follows from a Stack, computed once by ``stacks.plan``, frozen.

The docstring under each field is the rule by which its value was found; ``pairwise where`` prints
it. A plan holds the names of secrets, never their values.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from ipaddress import IPv4Address, IPv4Network
from typing import Any, TypeVar

from pydantic import TypeAdapter

from stacks.capacity import Limits
from stacks.model import NetworkMode, Role, VipManager
from stacks.plan_data_types import DataPlan, FencePlan
from stacks.plan_firewall_types import FirewallRule, ForwardRule
from stacks.plan_gtid_types import GtidPlan, SplitPlan
from stacks.plan_instances import InstancePlan
from stacks.plan_lvs_types import DirectorPlan, RealServerPlan
from stacks.plan_mysql_types import MysqlPlan
from stacks.plan_nfs_types import NfsMount
from stacks.plan_vrrp_types import KeepalivedPlan
from stacks.plan_web_types import BalancerPlan, WebPlan

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class NameEntry:
    """One line of /etc/hosts or one DNS host entry."""

    address: IPv4Address
    """Address that the names resolve to."""
    names: tuple[str, ...]
    """Full name first, then the short one."""


@dataclass(frozen=True, kw_only=True)
class NetworkPlan:
    """One libvirt network."""

    name: str
    """Key in the description; also the interface name inside each machine."""
    bridge: str
    """``pw<stack id>-<network>``: unique on a hypervisor, at most 15 characters (IFNAMSIZ)."""
    cidr: IPv4Network
    """From the description."""
    gateway: IPv4Address
    """First address of the network: the hypervisor's own."""
    mode: NetworkMode
    """From the description."""
    domain: str
    """The stack's DNS domain."""
    dns: tuple[NameEntry, ...]
    """Nodes (by their first network) and VIPs of this network: the libvirt host entries."""


@dataclass(frozen=True, kw_only=True)
class Interface:
    """One network card of a node."""

    network: str
    """Network that the card is in."""
    name: str
    """Interface name inside the machine: the network's name."""
    mac: str
    """``52:54:00`` (QEMU's prefix), then stack id, network id, node id."""
    address: IPv4Address
    """Network base plus the node's id."""
    prefix: int
    """Prefix length of the network."""
    gateway: IPv4Address | None
    """The network's gateway on the card of the node's first network, else none."""


@dataclass(frozen=True, kw_only=True)
class DiskPlan:
    """A volume of one DRBD resource on one node: its backing disk, or its external metadata."""

    resource: str
    """Name of the replicated disk in the description."""
    name: str
    """The resource's, with ``-metadata`` for that."""
    volume: str
    """``<stack>-<node>-<resource>.raw`` or ``.metadata.raw``: name of the libvirt volume."""
    size_mib: int
    """From the description, equal on both nodes; that of metadata follows from it."""
    wwn: str
    """``50000<stack id><disk id><node id>``, 16 hex digits: the identity that never changes."""
    device: str
    """``/dev/disk/by-id/wwn-0x<wwn>``: found by identity, not by kernel name."""


@dataclass(frozen=True, kw_only=True)
class VipPlan:
    """An address that moves between the nodes of a pair."""

    name: str
    """Key in the description."""
    pair: str
    """Pair that holds it."""
    address: IPv4Address
    """From the description."""
    prefix: int
    """Prefix length of its network."""
    network: str
    """Network on whose cards it is held."""
    prefers: str
    """Node that holds it in steady state."""
    manager: VipManager
    """Who moves it."""
    vrid: int | None
    """VRRP virtual router id; none under Heartbeat."""
    dns: str
    """Full DNS name: ``dns`` of the description, else ``<pair>-<vip>``, in the stack's domain."""


@dataclass(frozen=True, kw_only=True)
class NotifyPlan:
    """Where the node's messages go."""

    mail: tuple[str, ...]
    """From the description."""
    command: tuple[str, ...]
    """From the description."""
    lab_url: str | None
    """Receiver of the lab, at the hypervisor's address in the management network; none unless the
    description says ``lab: true`` and the hypervisor is embedded."""


@dataclass(frozen=True, kw_only=True)
class NodePlan:
    """Everything about one node."""

    name: str
    """Key in the description; host name."""
    fqdn: str
    """Name in the stack's domain."""
    id: int
    """From the description."""
    machine: str
    """``<stack>-<node>``: name of the libvirt domain."""
    member: str
    """Pair or tier that the node belongs to; also the name of its Deploy."""
    peer: str | None
    """Other node of the pair; none in a tier."""
    roles: tuple[Role, ...]
    """Roles of its pair or tier."""
    hypervisor: str
    """From the description."""
    vcpus: int
    """From the description."""
    memory_mib: int
    """From the description."""
    interfaces: tuple[Interface, ...]
    """One for each network of the node, in its order."""
    management_address: IPv4Address
    """Address in the management network: SSH and fencing go there."""
    ssh_sources: tuple[IPv4Network, ...]
    """Who may open SSH: the hypervisor's address in the management network."""
    disks: tuple[DiskPlan, ...]
    """Backing volumes of the pair's replicated disks, by disk id."""
    hosts: tuple[NameEntry, ...]
    """Itself, its peer, and the nodes and VIPs that it talks to: nothing more, so that adding a
    node touches only the machines that need it."""
    firewall: tuple[FirewallRule, ...]
    """Follows from roles, VIPs and peers."""
    forwards: tuple[ForwardRule, ...]
    """What a director hands from its real servers to their clients, with ``nat``; else nothing."""
    time_servers: tuple[str, ...]
    """From the description."""
    keepalived: KeepalivedPlan | None
    """Where keepalived manages a VIP of the pair."""
    balancer: BalancerPlan | None
    """For role lb."""
    web: WebPlan | None
    """For role web."""
    data: DataPlan | None
    """Where Heartbeat manages the pair."""
    gtid: GtidPlan | None
    """Where the pair has ``replication``."""
    director: DirectorPlan | None
    """For role director."""
    real_server: RealServerPlan | None
    """Where a virtual service names it."""
    instances: tuple[InstancePlan, ...]
    """MySQL servers that stand alone, by name."""
    split: SplitPlan | None
    """Where its application uses a pair that has ``replication.split``."""
    mounts: tuple[NfsMount, ...]
    """Exports that it mounts: for role client, and for web machines with ``files``."""
    notify: NotifyPlan | None
    """Where the description says ``notify`` and names a destination that this node has."""

    @property
    def limits(self) -> Limits | None:
        """What its connections take; none where no number of the description says how many."""
        if self.balancer is not None:
            return self.balancer.limits
        return self.web.limits if self.web is not None else None

    @property
    def fence(self) -> FencePlan | None:
        """How its peer is made harmless: one way for both managers of a pair."""
        if self.data is not None:
            return self.data.fence
        return self.gtid.fence if self.gtid is not None else None

    @property
    def mysql(self) -> MysqlPlan | None:
        """Its MySQL server, whoever replicates the data."""
        if self.gtid is not None:
            return self.gtid.mysql
        return self.data.mysql if self.data is not None else None

    def interface(self, network: str) -> Interface:
        """The node's card in a network.

        Raises:
            KeyError: the node is not in it.
        """
        for interface in self.interfaces:
            if interface.network == network:
                return interface
        raise KeyError(f"Node {self.name} has no card in network {network}.")


@dataclass(frozen=True, kw_only=True)
class DeployPlan:
    """The slice of a plan that the hosts of one Deploy read."""

    stack: str
    """Name of the stack."""
    deploy: str
    """Name of the pair or tier."""
    is_pair: bool
    """Whether an order between the hosts matters (backup first)."""
    nodes: dict[str, NodePlan]
    """The member's nodes by name."""
    secrets: tuple[str, ...]
    """Names of the secrets that its templates hold."""

    @property
    def first(self) -> NodePlan:
        """The one that is asked for what all of them share: VIPs, groups, roles."""
        return next(iter(self.nodes.values()))


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Everything that follows from a description."""

    stack: str
    """Name of the stack."""
    description: str
    """From the description."""
    domain: str
    """From the description."""
    id: int
    """From the description."""
    image: str
    """From the description."""
    hypervisors: dict[str, str]
    """From the description."""
    protect_data: bool
    """From the description."""
    management: str
    """From the description."""
    networks: dict[str, NetworkPlan]
    """By name."""
    nodes: dict[str, NodePlan]
    """By name."""
    vips: tuple[VipPlan, ...]
    """Every VIP that is in force, by pair and name."""
    deploys: dict[str, DeployPlan]
    """One for each pair and tier, by name."""

    def slice(self, deploy: str) -> DeployPlan:
        """What the hosts of one Deploy read, and nothing more."""
        return self.deploys[deploy]

    def vips_of(self, pair: str) -> tuple[VipPlan, ...]:
        """The VIPs of one pair."""
        return tuple(vip for vip in self.vips if vip.pair == pair)


def dump(value: object) -> dict[str, Any]:
    """A plan, or a part of one, as JSON-ready mappings and lists."""
    kind: Any = type(value)
    dumped: dict[str, Any] = _adapter(kind).dump_python(value, mode="json")
    return dumped


def load_deploy_plan(mapping: Mapping[str, Any]) -> DeployPlan:
    """The inverse of ``dump`` for the slice that a Deploy carries."""
    loaded: DeployPlan = _adapter(DeployPlan).validate_python(mapping)
    return loaded


@cache
def _adapter(kind: type) -> TypeAdapter[Any]:
    """To make one takes twenty times as long as to dump a plan with it."""
    return TypeAdapter(kind)
