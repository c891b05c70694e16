"""What one look at the node finds: one frozen value, all that ``decide`` may judge by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from bootstrap.blocks.monitor.program.config import Group
from bootstrap.facts.drbd import DrbdState, absent

NO_DISK = DrbdState(minor=-1, cs="Connected", disk="UpToDate", peer_disk="UpToDate")
"""Of a group that keeps nothing: either node may have it, and no disk tells which one does."""


class Holding(StrEnum):
    """How much of a group is on this node."""

    HELD = "held"
    """VIP set; where it has a disk, Primary and mounted: its daemons must run."""
    PARTLY = "partly"
    """Some of that: it is moving, or something is wrong."""
    ABSENT = "absent"
    """Nothing of that."""


@dataclass(frozen=True, kw_only=True)
class UnitSeen:
    """One unit as systemd sees it."""

    active: str = "inactive"
    """ActiveState."""
    sub: str = "dead"
    """SubState."""
    restarts: int = 0
    """NRestarts: how often systemd itself has started it again."""
    job: bool = False
    """Whether a start or a stop of it is queued."""

    @property
    def down(self) -> bool:
        """Whether it does not run, and nobody is starting or stopping it."""
        return not self.job and self.active in {"failed", "inactive"}

    @property
    def restarting(self) -> bool:
        """Whether it has died, and systemd waits before it starts it again."""
        return self.sub in {"auto-restart", "auto-restart-queued"}


@dataclass(frozen=True, kw_only=True)
class MountSeen:
    """One mounted file system."""

    read_only: bool = False
    """Also after an error, when the kernel makes it so."""
    free_percent: float = 100.0
    """What is free for daemons."""


@dataclass(frozen=True, kw_only=True)
class Ended:
    """An action that was started in an earlier pass."""

    key: str
    """Its key."""
    code: int
    """Exit code; 124: it took too long and was ended."""


@dataclass(frozen=True, kw_only=True)
class Observation:
    """One look at the node."""

    heartbeat: str
    """ActiveState of Heartbeat's unit; ``deactivating`` while it stops."""
    drbd: Mapping[int, DrbdState] = field(default_factory=dict)
    """By minor."""
    mounts: Mapping[str, MountSeen] = field(default_factory=dict)
    """By mount point."""
    addresses: frozenset[str] = frozenset()
    """Addresses of this node."""
    units: Mapping[str, UnitSeen] = field(default_factory=dict)
    """By name."""
    threads: int | None = None
    """Threads of the NFS server in the kernel; none: not readable."""
    greeted: Mapping[str, bool] = field(default_factory=dict)
    """Socket -> whether its daemon has greeted; no entry: no new answer in this pass."""
    connections: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Address of a group -> clients' connections; no entry: not looked at in this pass."""
    rscstatus: str | None = None
    """``cl_status rscstatus``; none: not asked in this pass, or no answer."""
    peer: str | None = None
    """``cl_status nodestatus``; none: as above."""
    ping: str = ""
    """The same of the ping address, as last asked: ``ping`` or ``dead``; empty: not known."""
    peer_off: bool = False
    """Whether the mark says that the peer is surely off."""
    fence_waiting: str = ""
    """Why a take-over waits; empty: none does."""
    running: frozenset[str] = frozenset()
    """Keys of the actions that have not ended."""
    ended: tuple[Ended, ...] = ()
    """Actions that have ended since the last pass."""

    def state(self, group: Group) -> DrbdState:
        """Its DRBD resource."""
        if not group.resource:
            return NO_DISK
        return self.drbd.get(group.minor, absent(group.minor))

    def holding(self, group: Group) -> Holding:
        """How much of it is here."""
        parts = [group.vip in self.addresses]
        if group.resource:
            parts += [self.state(group).role == "Primary", group.mount_point in self.mounts]
        if all(parts):
            return Holding.HELD
        return Holding.PARTLY if any(parts) else Holding.ABSENT


@dataclass(frozen=True, kw_only=True)
class Now:
    """The moment of a pass."""

    mono: float
    """Monotonic seconds: for everything that this process itself waits for."""
    wall: float
    """Seconds since the epoch: for what people read and what outlives the process."""
