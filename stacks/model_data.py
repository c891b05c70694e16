"""The typed model of pairs that hold data: DRBD, Heartbeat, fencing, MySQL, NFS, and its clients.

``stacks.model`` puts these into pairs and tiers. Groups are named by their role, ``mysql`` and
``nfs``: each is a disk, what runs on it, and the VIP by which clients reach it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum
from ipaddress import IPv4Address

from pydantic import ConfigDict

STRICT = ConfigDict(extra="forbid", strict=True, use_attribute_docstrings=True)
FILES_MOUNT = "/srv/files"
"""Where a pair's export is mounted unless the description says otherwise."""


class FencingDevice(StrEnum):
    """One way to make sure that a silent peer does nothing any more."""

    HYPERVISOR = "hypervisor"
    """The endpoint of its hypervisor powers it off."""
    CONFIRM = "confirm"
    """A person says that it is off: ``pairwise fence confirm``. Always the last one."""
    DOPD = "dopd"
    """The documents' way: Heartbeat's dopd outdates the peer's disks and nothing powers it off. A
    peer that cannot be asked counts as dead: no protection when all links are cut."""


class NfsVersion(float, Enum):
    """Version of the NFS protocol: a pair serves one, so that all of its state is in one place."""

    V3 = 3.0
    """For clients that know no other: locks by statd and lockd, a port for each of five daemons."""
    V4_2 = 4.2
    """One port, locks in the protocol."""


class Metadata(StrEnum):
    """Where DRBD keeps its own data of a disk (drbd.conf(5), meta-disk)."""

    INTERNAL = "internal"
    """At the end of the disk itself."""
    EXTERNAL = "external"
    """On a small disk of its own: writes of the two do not make one disk seek."""


@dataclass(frozen=True, kw_only=True)
class Drbd:
    """DRBD settings of a pair; protocol C and fencing are not among them, they are never less."""

    __pydantic_config__ = STRICT

    resync_rate_mib: int = 100
    """MiB per second that a resync may take at most (the documents' ``rate 100M``)."""
    verify: str = "Sun *-*-* 03:30:00"
    """When both copies are compared, block by block (systemd.time(7))."""


@dataclass(frozen=True, kw_only=True)
class Heartbeat:
    """Heartbeat R1 of a pair (ha.cf(5)); its VIPs name heartbeat as their manager."""

    __pydantic_config__ = STRICT

    keepalive_s: int = 1
    """Seconds between two heartbeats (document 002)."""
    warntime_s: int = 3
    """Silence after which the log says so."""
    deadtime_s: int = 8
    """Silence after which the peer counts as dead. Below 8 an emulated machine on a busy
    hypervisor was declared dead that was not; on hardware the documents' 5 do."""
    initdead_s: int = 120
    """The same while a node has just started (document 000). A node that boots alone takes nothing
    over when it has passed, so that a long one costs nothing, and an `up` starts both within it."""
    ping: IPv4Address | None = None
    """Address whose answer says that a node's client link is alive; none: the hypervisor's own in
    the VIPs' network, which is a lab's gateway."""
    key: int = 1
    """Number of the generated key in authkeys. A higher one is a new key, which `up` has both nodes
    of a running pair take; never a lower one."""


@dataclass(frozen=True, kw_only=True)
class Mysql:
    """MySQL on a replicated disk, or with ``replication`` on each node's own."""

    __pydantic_config__ = STRICT

    disk: str = "mysql"
    """Replicated disk that holds its data; without meaning where the pair has ``replication``."""
    vip: str = "mysql"
    """VIP by which clients reach it."""
    database: str = "site"
    """Database of the sample application."""
    buffer_pool_mib: int = 64
    """InnoDB's cache."""


class Errant(StrEnum):
    """What becomes of an ex-source with transactions that the new source lacks."""

    ASK = "ask"
    """It stays out, and a person has it rebuilt: ``pairwise replication rebuild``."""
    REBUILD = "rebuild"
    """It is rebuilt by itself where those were surely never acknowledged to a client."""


class SplitKind(StrEnum):
    """What splits reads from writes on each node of an application."""

    ROUTER = "router"
    """By statement: MySQL Router sends what only reads to the replica, everything else to the
    source. HAProxy behind it knows which server is which."""
    HAPROXY = "haproxy"
    """By port: the application says which of its connections only read."""


@dataclass(frozen=True, kw_only=True)
class Split:
    """A splitter on each node whose application uses the pair's database."""

    __pydantic_config__ = STRICT

    kind: SplitKind
    """What it is."""
    drain_s: float = 1.0
    """Seconds that sessions with a replica that has fallen behind have to end; it gets no new ones
    meanwhile. A page takes less; who stays would read rows that are old and get older."""


@dataclass(frozen=True, kw_only=True)
class Replication:
    """MySQL replicated from a source to a replica, by GTID (document 003)."""

    __pydantic_config__ = STRICT

    network: str | None = None
    """Network that carries it; none: the first that both nodes share, an isolated one before others
    (the document's inside network)."""
    errant: Errant = Errant.ASK
    """What becomes of transactions that were never replicated. The document overwrites them by its
    next ``mysqlreplicate``; here a person is asked first."""
    max_lag_s: float = 2.0
    """Seconds by which a replica that is read from may be behind. The document's script looks every
    two minutes whether the replica has read all; what a person still takes for now is some 2 s."""
    silence_s: float = 8.0
    """Seconds without a sign of the peer's machine after which it is powered off: as Heartbeat's
    ``deadtime_s``, and for the same reason (seen under emulation; 5 do on hardware). A machine
    that the fence endpoint says is off already costs no silence."""
    restart_s: float = 30.0
    """Seconds that the peer's mysqld may be away while its machine answers: systemd starts it
    again, which takes 8 to 14 s under emulation (measured) and a few on hardware. Twice that."""
    split: Split | None = None
    """Writes go to the source and reads to the replica: applications connect to 127.0.0.1 (document
    003). None: they connect to the VIP, and the source does all."""


@dataclass(frozen=True, kw_only=True)
class Nfs:
    """An NFS export on a replicated disk."""

    __pydantic_config__ = STRICT

    disk: str = "nfs"
    """Replicated disk that holds files and client records."""
    vip: str = "nfs"
    """VIP by which clients mount it."""
    root_squash: bool = True
    """Whether root on a client is nobody on the share (exports(5))."""
    version: NfsVersion = NfsVersion.V4_2
    """What is served and mounted; chosen before the first ``up``, which makes the folders of its
    clients' records with the file system."""
    lease_s: int = 15
    """Seconds after which a silent client loses its locks (nfsd(7)); grace is as long. The kernel's
    own 90 would hold back each take-over for that time."""
    threads: int = 8
    """Threads of the server: the kernel's own default."""


@dataclass(frozen=True, kw_only=True)
class Client:
    """Machines that mount a pair's export."""

    __pydantic_config__ = STRICT

    files: str
    """Pair with role ``nfs`` whose export is mounted."""
    mount: str = FILES_MOUNT
    """Where it is mounted."""
