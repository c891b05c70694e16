"""A GTID pair's part of the plan; ``stacks.plan_gtid`` computes it."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address

from stacks.model_data import Errant, FencingDevice
from stacks.plan_data_types import FencePlan
from stacks.plan_mysql_types import MysqlPlan

SOURCE = "mysql"
"""What a GTID pair's source is called among the groups that can be moved."""
SEMISYNC_MS = 4294967295
"""rpl_semi_sync_source_timeout: the largest value, 49 days. A source that gives up waiting for its
replica acknowledges what a take-over loses."""


@dataclass(frozen=True, kw_only=True)
class ReplicationAccount:
    """An account by which one node's server or reconciler comes to the other one's."""

    name: str
    """``pairwise_<purpose>``."""
    rights: str
    """What it may do, everywhere: the least that its purpose needs (the manual of MySQL 9.7)."""
    secret: str
    """Name of the secret: its password."""


@dataclass(frozen=True, kw_only=True)
class SplitBackend:
    """One server behind a splitter."""

    node: str
    """Its node."""
    address: IPv4Address
    """That node's address in the network of the database's VIP."""


@dataclass(frozen=True, kw_only=True)
class RouterPlan:
    """MySQL Router on one node of an application, in front of the node's HAProxy."""

    port: int
    """3315: the application's only one."""
    metadata_port: int
    """3319: leads to either server, and nobody ends a session there: Router asks here last."""
    user: str
    """The application's own account: it may read Router's metadata."""
    password: str
    """Name of the secret: its password."""


@dataclass(frozen=True, kw_only=True)
class MetadataPlan:
    """What Router reads in the servers: places that never change, for HAProxy is there."""

    source: str
    """``127.0.0.1:3316``."""
    replica: str
    """``127.0.0.1:3317``."""
    either: str
    """``127.0.0.1:3319``: hidden from applications."""

    @property
    def places(self) -> tuple[str, ...]:
        """In the order of the instances' numbers."""
        return self.source, self.replica, self.either


@dataclass(frozen=True, kw_only=True)
class SplitPlan:
    """The splitter on one node of an application."""

    pair: str
    """Pair whose servers it splits between."""
    backends: tuple[SplitBackend, ...]
    """Both servers, by node id: either may be the source."""
    port: int
    """3306: theirs."""
    agent_port: int
    """3318: where each of their nodes says whether it is source, or a replica to read from."""
    address: IPv4Address
    """127.0.0.1: the application on this node is its only client."""
    write_port: int
    """3316: leads to the source."""
    read_port: int
    """3317: leads to the replica, and to the source while none is fit."""
    router: RouterPlan | None
    """Where statements are split, and not connections."""

    @property
    def client_ports(self) -> tuple[int, int]:
        """Where the application writes and where it reads."""
        if self.router is not None:
            return self.router.port, self.router.port
        return self.write_port, self.read_port


@dataclass(frozen=True, kw_only=True)
class SplitAgentPlan:
    """What a node of the pair says to splitters."""

    address: IPv4Address
    """Its own in the network of the database's VIP."""
    port: int
    """3318."""
    max_lag_s: float
    """From the description: ``replication.max_lag_s``."""
    drain_s: float
    """From the description."""
    metadata: MetadataPlan | None
    """For Routers, where the splitters are some."""


@dataclass(frozen=True, kw_only=True)
class GtidPlan:
    """MySQL with GTID replication on one node of a pair."""

    mysql: MysqlPlan
    """The server; its data are on the node's root disk, and made anew from the peer's if lost."""
    peer: str
    """The other node."""
    network: str
    """From the description, else the first that both nodes share, an isolated one before others."""
    own_address: IPv4Address
    """This node's address there."""
    peer_address: IPv4Address
    """The other node's: replication, clone and the reconciler's questions go to it."""
    addresses: dict[str, IPv4Address]
    """Both nodes' addresses there, by name; in no order, for the engine keeps none of a map."""
    vip: str
    """Name of the VIP whose holder wants to be source."""
    vip_interface: str
    """Interface that holds it."""
    first: bool
    """Whether this node goes first where either may be promoted: the one that the VIP prefers."""
    errant: Errant
    """From the description."""
    max_lag_s: float
    """From the description."""
    silence_s: float
    """From the description."""
    restart_s: float
    """From the description."""
    replication: ReplicationAccount
    """By which the replica reads the source's log."""
    clone: ReplicationAccount
    """By which a node copies the other one's data."""
    monitor: ReplicationAccount
    """By which a reconciler asks the other node's server."""
    fence: FencePlan
    """How the peer is made harmless."""
    split: SplitAgentPlan | None
    """Where the description says ``split``."""

    @property
    def metadata(self) -> MetadataPlan | None:
        """What Routers read in the server; none where no splitter is one."""
        return self.split.metadata if self.split is not None else None

    @property
    def accounts(self) -> tuple[ReplicationAccount, ...]:
        """All three."""
        return (self.replication, self.clone, self.monitor)

    @property
    def secrets(self) -> tuple[str, ...]:
        """Names of the values that its templates hold and the plan does not."""
        names = [account.secret for account in self.accounts]
        names += self.mysql.secrets
        if FencingDevice.HYPERVISOR in self.fence.devices:
            names += [self.fence.key_secret, self.fence.host_key]
        return tuple(names)
