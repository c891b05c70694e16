"""Looks at a node as tests put them together, and a monitor that passes through them in time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeVar

from bootstrap.blocks.monitor.program.actions import Action, Note, Tell
from bootstrap.blocks.monitor.program.config import Config, Group
from bootstrap.blocks.monitor.program.decide import decide
from bootstrap.blocks.monitor.program.memory import Memory, Problem
from bootstrap.blocks.monitor.program.seen import MountSeen, Now, Observation, UnitSeen
from bootstrap.facts.drbd import DrbdState

T = TypeVar("T")
ACTIVE = UnitSeen(active="active", sub="running")
FAILED = UnitSeen(active="failed", sub="failed")
STARTING = UnitSeen(active="activating", sub="start")
DIED = UnitSeen(active="activating", sub="auto-restart")

MYSQL = Group(
    name="mysql",
    prefers="data1",
    key="drbddisk::db",
    resource="db",
    minor=0,
    mount_point="/srv/db",
    connections="/srv/db/connections",
    units=("mysql.service",),
    helpers=(),
    vip="10.9.0.100",
    socket="/run/mysqld/mysqld.sock",
    threads_of="",
)
NFS = Group(
    name="nfs",
    prefers="data2",
    key="drbddisk::nfs",
    resource="nfs",
    minor=1,
    mount_point="/srv/nfs",
    connections="/srv/nfs/connections",
    units=("nfsdcld.service", "nfs-server.service"),
    helpers=("nfs-mountd.service",),
    vip="10.9.0.101",
    socket="",
    threads_of="nfs-server.service",
)
CONFIG = Config(
    stack="six",
    pair="data",
    node="data1",
    peer="data2",
    groups=(MYSQL, NFS),
    notify=(),
    fence_waiting="/run/pairwise/fence-waiting",
    peer_off="/run/pairwise/peer-off",
    of_absence=(),
    ping="10.9.0.1",
)
HERE = DrbdState(
    minor=0,
    cs="Connected",
    role="Primary",
    peer_role="Secondary",
    disk="UpToDate",
    peer_disk="UpToDate",
)
THERE = replace(HERE, role="Secondary", peer_role="Primary")
NOWHERE = replace(HERE, role="Secondary")
PEER_GONE = replace(NOWHERE, cs="WFConnection", peer_role="Unknown", peer_disk="DUnknown")
PEER_OUTDATED = replace(PEER_GONE, peer_disk="Outdated")


def node(*held: Group, **changes: Any) -> Observation:
    """Groups that are held here with working daemons; all others are on the peer."""
    states = {g.minor: replace(HERE if g in held else THERE, minor=g.minor) for g in CONFIG.groups}
    units = {name: ACTIVE for group in held for name in group.watched}
    seen = Observation(
        heartbeat="active",
        drbd=states,
        mounts={group.mount_point: MountSeen() for group in held},
        addresses=frozenset(group.vip for group in held) | {"127.0.0.1", "10.9.0.11"},
        units=units,
        threads=8 if NFS in held else 0,
        rscstatus="local",
        peer="active",
    )
    return replace(seen, **changes)


def with_unit(seen: Observation, name: str, unit: UnitSeen) -> Observation:
    """The same, with one unit in another state."""
    return replace(seen, units={**seen.units, name: unit})


def with_disk(seen: Observation, group: Group, state: DrbdState) -> Observation:
    """The same, with one group's DRBD resource in another state."""
    return replace(seen, drbd={**seen.drbd, group.minor: replace(state, minor=group.minor)})


class Watch:
    """A monitor's passes: what it did, and what it remembers."""

    def __init__(self, memory: Memory | None = None) -> None:
        self.memory = memory or Memory()
        self.mono = 1000.0
        self.wall = 1_800_000_000.0

    def sees(self, seen: Observation, *, after: float = 1.0) -> list[Action]:
        """One pass, some seconds after the last one: what it does to daemons and groups."""
        aside = Tell | Note
        return [action for action in self.does(seen, after=after) if not isinstance(action, aside)]

    def told(self, seen: Observation, *, after: float = 1.0) -> list[str]:
        """One pass: the states that it tells."""
        return [a.state for a in self.does(seen, after=after) if isinstance(a, Tell)]

    def does(self, seen: Observation, *, after: float = 1.0) -> tuple[Action, ...]:
        """One pass: everything that it does."""
        self.mono += after
        self.wall += after
        asked = self.memory.ask
        if not asked:
            # What was not asked for is not answered.
            seen = replace(seen, rscstatus=None, peer=None)
        now = Now(mono=self.mono, wall=self.wall)
        self.memory, actions = decide(CONFIG, self.memory, seen, now)
        return actions

    def for_seconds(self, seen: Observation, seconds: int) -> list[Action]:
        """That many passes over the same sight: all that it does."""
        return [action for _ in range(seconds) for action in self.sees(seen)]

    def problems(self, group: str = "") -> set[str]:
        """Names of the problems that there are, of one group or all."""
        found: Mapping[Any, Problem] = self.memory.problems
        return {problem.id for problem in found.values() if group in ("", problem.group)}


def only(found: list[T]) -> T:
    """The one thing in a list."""
    assert len(found) == 1, found
    return found[0]
