"""The typed model: what a person writes in ``stacks/Pulumi.<stack>.yaml``, frozen.

Nothing here is derived: what follows from these values (addresses of nodes, MACs, firewall
rules, VRRP priorities) is computed once, in ``stacks.plan``. Numbers that reach a wire or a disk
come from an explicit ``id``, never from a position in a list, so that inserting or reordering
nodes renumbers nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network

from stacks.model_data import (
    STRICT,
    Client,
    Drbd,
    FencingDevice,
    Heartbeat,
    Metadata,
    Mysql,
    Nfs,
    Replication,
)
from stacks.model_instances import Instance, ReadTier
from stacks.model_lvs import Director
from stacks.model_web import Balancer, Web


class NetworkMode(StrEnum):
    """How a network reaches the world outside its bridge."""

    NAT = "nat"
    OPEN = "open"
    ISOLATED = "isolated"


class Role(StrEnum):
    """What a node is for; ``bootstrap/roles.py`` maps each to its blocks."""

    LB = "lb"
    WEB = "web"
    MYSQL = "mysql"
    NFS = "nfs"
    DIRECTOR = "director"
    REAL_SERVER = "real_server"
    CLIENT = "client"


class VipManager(StrEnum):
    """Who decides at run time which node of the pair holds a VIP."""

    KEEPALIVED = "keepalived"
    HEARTBEAT = "heartbeat"


class VrrpMode(StrEnum):
    """How the VRRP instances of a pair relate (document 000: single first, then dual)."""

    SINGLE = "single"
    """One VIP: of those described, the one with the lowest VRID."""
    DUAL = "dual"
    """Every VIP, each with its own preferred node; a returning node takes its own back."""
    SYNC = "sync"
    """Every VIP in one sync group on one node, which keeps them (document 003: nopreempt)."""


@dataclass(frozen=True, kw_only=True)
class Network:
    """One libvirt network: a bridge of its own on the hypervisor."""

    __pydantic_config__ = STRICT

    id: int
    """Number in MAC addresses, 1 to 254, unique in the stack."""
    cidr: IPv4Network
    """Addresses of the network; the first one belongs to the hypervisor."""
    mode: NetworkMode = NetworkMode.ISOLATED
    """``nat`` for the network that clients come from, ``isolated`` for others, and ``open`` where
    the hypervisor is a router between networks: it hands on every packet with its own address and
    filters none, as packets of a VIP arrive there from a network that the VIP is not in (libvirt's
    formatnetwork, "open"; its ``nat`` and ``route`` refuse those)."""


@dataclass(frozen=True, kw_only=True)
class Node:
    """One machine of the stack."""

    __pydantic_config__ = STRICT

    id: int
    """Host number in every network of the node and number in its MACs, 2 to 254, unique."""
    networks: tuple[str, ...]
    """Networks that the machine has a card in; the first one carries its default route."""
    vcpus: int = 1
    """Virtual processors; a change replaces the machine. One where machines are emulated."""
    memory_mib: int = 768
    """Memory; a change replaces the machine."""
    hypervisor: str = "lab"
    """Where the machine runs: a key of ``hypervisors``."""


@dataclass(frozen=True, kw_only=True)
class Vip:
    """An address that moves between the two nodes of a pair."""

    __pydantic_config__ = STRICT

    address: IPv4Address
    """The address itself: inside its network, and no node's own."""
    network: str
    """Network on whose cards it is held."""
    prefers: str
    """Node that holds it in steady state."""
    manager: VipManager
    """Who moves it."""
    vrid: int | None = None
    """VRRP virtual router id, 1 to 255, unique in the network; keepalived only (RFC 9568)."""
    dns: str | None = None
    """Host name in the stack's domain; two VIPs with one name are DNS round robin."""


@dataclass(frozen=True, kw_only=True)
class ReplicatedDisk:
    """A DRBD resource: one volume of the same size on each node of the pair."""

    __pydantic_config__ = STRICT

    id: int
    """DRBD minor, and offset of its port and volume identity, 0 to 99, unique in the stack."""
    size_mib: int
    """Size of the backing volume on each node."""
    network: str
    """Network that carries the replication."""
    metadata: Metadata = Metadata.INTERNAL
    """Where DRBD's own data of it lie; chosen before the first ``up``."""


@dataclass(frozen=True, kw_only=True)
class Keepalived:
    """VRRP settings of a pair; its VIPs name keepalived as their manager."""

    __pydantic_config__ = STRICT

    mode: VrrpMode
    """How the VIPs of the pair relate."""
    advert_interval_s: float = 1.0
    """Seconds between two adverts of the active node (RFC 9568 section 6.1: default 1)."""


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two nodes of one highly available unit."""

    __pydantic_config__ = STRICT

    nodes: tuple[str, ...]
    """The two nodes; the order has no meaning."""
    roles: tuple[Role, ...]
    """What both nodes are for."""
    vips: dict[str, Vip] = field(default_factory=dict)
    """Addresses that move between the two."""
    disks: dict[str, ReplicatedDisk] = field(default_factory=dict)
    """DRBD resources that the two replicate."""
    keepalived: Keepalived | None = None
    """VRRP settings; needed when keepalived manages a VIP of the pair."""
    balancer: Balancer | None = None
    """Balancer settings; needed for role ``lb``."""
    web: Web | None = None
    """Web settings; needed for role ``web``."""
    heartbeat: Heartbeat | None = None
    """Heartbeat settings; needed when Heartbeat manages a VIP of the pair."""
    drbd: Drbd = field(default_factory=Drbd)
    """DRBD settings, for all disks of the pair."""
    fencing: tuple[FencingDevice, ...] = (FencingDevice.HYPERVISOR, FencingDevice.CONFIRM)
    """How a silent peer is made harmless, tried in this order. Empty: not at all, and a take-over
    may then lose data."""
    survivor: tuple[str, ...] = ()
    """Groups in order: when all links between two active nodes are cut, the holder of the first
    one stays. Empty: ``mysql``, then ``nfs``."""
    director: Director | None = None
    """LVS settings; needed for role ``director``."""
    mysql: Mysql | None = None
    """MySQL settings; needed for role ``mysql``."""
    nfs: Nfs | None = None
    """NFS settings; needed for role ``nfs``."""
    replication: Replication | None = None
    """MySQL is replicated by GTID instead of by DRBD, and its VIP is under keepalived."""


@dataclass(frozen=True, kw_only=True)
class Tier:
    """Equal, interchangeable nodes, each of which may be lost."""

    __pydantic_config__ = STRICT

    nodes: tuple[str, ...]
    """The nodes; the order has no meaning."""
    roles: tuple[Role, ...]
    """What each node is for."""
    web: Web | None = None
    """Web settings; needed for role ``web``."""
    client: Client | None = None
    """Client settings; needed for role ``client``."""
    instances: dict[str, Instance] = field(default_factory=dict)
    """MySQL servers, several on a node; this or ``read_tier`` is needed for role ``mysql``."""
    read_tier: ReadTier | None = None
    """Replicas of a pair's MySQL, one on each node, for clients that only read."""


@dataclass(frozen=True, kw_only=True)
class Notify:
    """Who is told when something changes hands: every destination that is given."""

    __pydantic_config__ = STRICT

    mail: tuple[str, ...] = ()
    """Addresses that each message goes to, by the node's own sendmail."""
    command: tuple[str, ...] = ()
    """Program of the nodes and its arguments; gets each message as JSON on its standard input, as
    an unprivileged user. A message counts as delivered when it ends with 0."""
    lab: bool = False
    """Whether the hypervisor of an embedded lab receives them: it appends them to a file of the
    lab. Without effect on nodes whose hypervisor is not ``embedded``."""


@dataclass(frozen=True, kw_only=True)
class Stack:
    """One deployable whole: a ``pairwise:stack`` description."""

    __pydantic_config__ = STRICT

    name: str
    """Name of the Pulumi stack; comes from the file's name, not from its text."""
    description: str
    """What the stack is, in a sentence or two."""
    id: int
    """Number in MACs and bridge names, 1 to 254; two stacks on one hypervisor must differ."""
    domain: str
    """DNS domain of the nodes and VIPs."""
    networks: dict[str, Network]
    """The networks by name; a name is also the interface name inside every machine."""
    management: str
    """Network for SSH and fencing: carries no VIP and no replication."""
    nodes: dict[str, Node]
    """The machines by name, which is also their host name."""
    pairs: dict[str, Pair] = field(default_factory=dict)
    """The pairs by name."""
    tiers: dict[str, Tier] = field(default_factory=dict)
    """The tiers by name."""
    hypervisors: dict[str, str] = field(default_factory=lambda: {"lab": "embedded"})
    """libvirt URIs by name; ``embedded`` is the hypervisor that ``make lab`` builds."""
    image: str = "golden"
    """``golden`` for the image that ``make lab`` bakes, or the path or URL of a cloud image: ``up``
    then installs what it lacks, from the sources that its apt knows. A local image is booted with
    the files ``vmlinuz`` and ``initrd`` that lie beside it, if they do."""
    time_servers: tuple[str, ...] = ()
    """NTP servers; none means that each machine keeps its hypervisor's clock."""
    notify: Notify | None = None
    """Who is told of transitions; none: nobody, the journal of each node has them anyway."""
    protect_data: bool = False
    """Whether data volumes refuse deletion (Pulumi protect); labs are meant to be destroyed."""

    def members(self) -> dict[str, Pair | Tier]:
        """Pairs and tiers by name: each one is configured as a whole."""
        return {**self.pairs, **self.tiers}
