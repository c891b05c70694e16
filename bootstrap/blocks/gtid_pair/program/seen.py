"""What the reconciler sees in one look, and what it keeps between two looks."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from bootstrap.shared.gtids import Gtids


class Applier(StrEnum):
    """What the applier of a replica does."""

    RUNNING = "running"
    STOPPED = "stopped"
    BROKEN = "broken"
    """It has met an error and does not go on by itself."""


class Fence(StrEnum):
    """Where the last request to the fence endpoint stands."""

    IDLE = "idle"
    """None was made, or its answer was used."""
    ASKING = "asking"
    GRANTED = "granted"
    """The peer is off: powered off for this node, found off, or a person says so."""
    REFUSED = "refused"
    """It was not granted; it may be asked again."""


@dataclass(frozen=True, kw_only=True)
class Server:
    """One mysqld as it said in one answer."""

    uuid: str
    """Its server_uuid."""
    life: str
    """Changes with each start of the process."""
    read_only: bool
    """read_only. A server without it is a *source*, whatever it replicates."""
    executed: Gtids
    """gtid_executed. A transaction that waits for its acknowledgement is not in it yet."""
    received: Gtids = field(default_factory=Gtids)
    """Retrieved_Gtid_Set: received into the relay log since the last start of the receiver."""
    purged: Gtids = field(default_factory=Gtids)
    """gtid_purged: executed and in no binary log any more."""
    waits: bool = True
    """rpl_semi_sync_source_enabled: a source acknowledges nothing that its replica has not. A
    source without it is *alone*. A read-only server needs it off to apply anything."""
    acks: bool = False
    """rpl_semi_sync_replica_enabled. A read-only server without it has *waived*: what it has
    received counts for nothing, and it is not promoted."""
    clients: int = 0
    """Replicas that acknowledge to it (Rpl_semi_sync_source_clients)."""
    follows: bool = False
    """Whether its receiver is configured for the peer and not stopped."""
    connected: bool = False
    """Whether that receiver has a connection (Replica_IO_Running: Yes)."""
    applier: Applier = Applier.STOPPED
    """What its applier does."""
    error: str = ""
    """Last error of receiver or applier."""

    @property
    def has(self) -> Gtids:
        """All that it holds, applied or not."""
        return self.executed | self.received

    @property
    def alone(self) -> bool:
        """Whether it is a source that acknowledges without a replica."""
        return not self.read_only and not self.waits


@dataclass(frozen=True, kw_only=True)
class Observation:
    """One look. The own server is looked at first, then the peer's."""

    own: Server | None
    """None: it does not answer."""
    peer: Server | None
    """None: no answer over this node's own connection to it."""
    vip: bool
    """Whether this node has the VIP."""
    fence: Fence = Fence.IDLE
    """The fence endpoint."""
    refused: bool = False
    """Its machine answers in the peer's stead: an echo, or that nobody listens there, or that it
    lets nobody in."""
    activated: bool = False
    """A person has said that the peer is dead and that this node's data count."""
    rebuild: bool = False
    """A person has asked for a new copy of the peer's data."""
    torn: bool = False
    """A copy was begun here and its end was not seen: the own data may be parts of two."""
    standby: bool = False
    """A person wants the peer to be source."""
    leaving: bool = False
    """This machine is being shut down."""


@dataclass(frozen=True, kw_only=True)
class Memory:
    """What the reconciler knows from earlier looks. All but the last two end with a boot."""

    life: str = ""
    """Life of the own server that the next four are about."""
    joined: bool = False
    """It acknowledges to a source that it has seen alone after it had waived."""
    waited: int = 0
    """Looks in a row in which the peer was seen as a source that waits."""
    current: bool = False
    """Every acknowledged write is here. True of a replica that acknowledges to a waiting source,
    until it waives, restarts or sees the peer alone; and of a source."""
    quarantined: str = ""
    """Why it neither follows nor may be promoted; empty: it is not."""
    met: bool = False
    """It has had an answer of the peer since this machine booted."""
    looked: float = 0.0
    """When the last look was."""
    granted: bool = False
    """The peer was off when it was silent last, and has not answered since."""
    silent_since: float | None = None
    """Monotonic seconds since which the peer gives no answer."""
    mute_since: float | None = None
    """Since when its machine does not say anything either."""
    stuck_since: float | None = None
    """Since when a peer that answers acknowledges nothing to this waiting source."""
    no_vip_since: float | None = None
    """Since when this source has no VIP."""
    clear_since: float | None = None
    """Since when all else allows the second of the two nodes to be promoted."""
    tied_since: float | None = None
    """Since when both are read-only and nothing but the description says whose turn it is."""
    lead_since: float | None = None
    """Since when it might be source, were the VIP here."""
    was_open: bool = False
    """Whether the own server was a source in the last look at it."""
    demoted: bool = False
    """It gave up being source, and nobody has been since."""
    ends: tuple[float, ...] = ()
    """When the own server ended as a source, lately and not by a demotion."""
    aside_since: float | None = None
    """Since when the peer is to be source, because of that."""
    may_hold: bool = False
    """Whether this node may hold the VIPs (``holding``)."""
    before: Gtids | None = None
    """executed of the own server in the last look of this process; None: it gave no answer."""
    mark: Gtids | None = None
    """executed of this server, alone, at a look whose transactions the replica has yet to show."""
    marked: float = 0.0
    """When that look was."""
    behind_s: float | None = None
    """What the replica has shown in this look it lacked no longer ago than this; None: nothing."""
    was_source: bool = False
    """On disk: it was a source last, and has not joined another one since."""
    was_alone: bool = False
    """On disk: it has acknowledged without a replica since it was promoted."""
