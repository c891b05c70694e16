"""/run/pairwise/status.json: what ``pairwise status`` shows of a node, read with one ``cat``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from bootstrap.blocks.monitor.program.config import Config, Group
from bootstrap.blocks.monitor.program.memory import Memory, Move
from bootstrap.blocks.monitor.program.seen import Now, Observation, UnitSeen
from bootstrap.facts.drbd import DrbdState


@dataclass(frozen=True, kw_only=True)
class GroupStatus:
    """One group on this node."""

    name: str
    """``mysql`` or ``nfs``."""
    prefers: str
    """Node that holds it in steady state."""
    holding: str
    """``held``, ``partly`` or ``absent``."""
    vip: str
    """Its address."""
    vip_here: bool
    """Whether this node has the address."""
    mount_point: str
    """Of its file system."""
    mounted: bool
    """Whether it is mounted here."""
    free_percent: float | None
    """Free space of the mounted file system."""
    units: Mapping[str, str]
    """Unit -> ``active``, ``failed``...."""
    resource: str
    """Its DRBD resource."""
    drbd: DrbdState
    """As the kernel shows it: cs, role, peer_role, disk, peer_disk, frozen, oos_kib, sync_percent,
    speed_kib_s, finish_s and so on."""
    arrived: float | None
    """When it came here last, seconds since the epoch; none: not within an hour."""
    handed_over: float | None
    """When this node handed it over last; none: not within an hour."""


@dataclass(frozen=True, kw_only=True)
class Status:
    """The whole file."""

    written: float
    """When, seconds since the epoch: older than a few seconds means that the monitor is dead."""
    pair: str
    """Name of the pair."""
    node: str
    """This node."""
    peer: str
    """The other one."""
    heartbeat: str
    """State of Heartbeat's unit: ``active``, ``deactivating``, ``inactive``, ``unknown``..."""
    rscstatus: str
    """``all``, ``local``, ``foreign``, ``none`` or ``transition``; empty: not known."""
    rscstatus_age_s: float | None
    """How old that answer is."""
    peer_off: bool
    """Whether the peer is known to be off."""
    fence_waiting: str
    """Why a take-over waits; empty: none does."""
    problems: int
    """How many problems.json holds."""
    groups: tuple[GroupStatus, ...]
    """In the order of haresources."""


def status(config: Config, memory: Memory, seen: Observation, now: Now) -> dict[str, Any]:
    """The file's content."""
    known = bool(memory.rscstatus)
    found = Status(
        written=round(now.wall, 1),
        pair=config.pair,
        node=config.node,
        peer=config.peer,
        heartbeat=seen.heartbeat,
        rscstatus=memory.rscstatus,
        rscstatus_age_s=round(now.mono - memory.rscstatus_at, 1) if known else None,
        peer_off=seen.peer_off,
        fence_waiting=seen.fence_waiting,
        problems=len(memory.problems),
        groups=tuple(_group(group, memory, seen) for group in config.groups),
    )
    return asdict(found)


def _group(group: Group, memory: Memory, seen: Observation) -> GroupStatus:
    mount = seen.mounts.get(group.mount_point)
    units = {
        name: seen.units.get(name, UnitSeen(active="unknown")).active for name in group.watched
    }
    return GroupStatus(
        name=group.name,
        prefers=group.prefers,
        holding=seen.holding(group).value,
        vip=group.vip,
        vip_here=group.vip in seen.addresses,
        mount_point=group.mount_point,
        mounted=mount is not None,
        free_percent=mount.free_percent if mount is not None else None,
        units=units,
        resource=group.resource,
        drbd=seen.state(group),
        arrived=_last(memory.arrivals, group),
        handed_over=_last(memory.handovers, group),
    )


def _last(moves: tuple[Move, ...], group: Group) -> float | None:
    return max((move.wall for move in moves if move.group == group.name), default=None)
