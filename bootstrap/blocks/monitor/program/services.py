"""The daemons of a group that is wholly here: started again, and found to be past that.

A unit that systemd is starting or stopping is left alone: whoever asked for that is at work. Twice
within a minute a unit is started again, by systemd's own Restart= or by this monitor; when that did
not bring it back, or two starts ended with an error, its group is broken here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from bootstrap.blocks.monitor.program.actions import KillAndStart, Restart, Start
from bootstrap.blocks.monitor.program.config import Config, Group
from bootstrap.blocks.monitor.program.memory import Memory
from bootstrap.blocks.monitor.program.seen import Holding, Now, Observation, UnitSeen

RESTARTS = 2
"""Starts in RESTARTS_S after which a further fault makes the group broken."""
RESTARTS_S = 60.0
"""What a start is remembered for."""
FAILURES_S = 300.0
"""What a start that ended with an error is remembered for: under emulation one may take 40 s."""
SILENT = 3
"""Greetings in a row that a daemon may leave out: it is asked every five seconds."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One daemon that does not do its work."""

    group: Group
    """Its group."""
    unit: str
    """Its unit."""
    why: str
    """What is wrong with it: ``failed``, ``hangs``..."""
    cure: Start | None
    """What would start it again; none: systemd is about to."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """What became of the faults of one pass."""

    memory: Memory
    """With the starts of this pass."""
    actions: tuple[Start, ...] = ()
    """To be done now."""
    started: tuple[Fault, ...] = ()
    """Those whose cure is tried, or that systemd cures."""
    broken: tuple[Fault, ...] = ()
    """Those that starting again does not cure."""


def watch(config: Config, memory: Memory, seen: Observation, now: Now) -> Found:
    """Judge the daemons of every group that is held here."""
    memory = _count(config, memory, seen, now)
    actions: list[Start] = []
    started: list[Fault] = []
    broken: list[Fault] = []
    restarts = dict(memory.restarts)
    silent = dict(memory.silent)
    for group in config.groups:
        if seen.holding(group) is not Holding.HELD:
            silent.pop(group.socket, None)
            continue
        for fault in _faults(group, memory, seen):
            if len(restarts.get(fault.unit, ())) >= RESTARTS or _failed(memory, fault.unit):
                broken.append(fault)
            elif fault.cure is not None:
                restarts[fault.unit] = (*restarts.get(fault.unit, ()), now.mono)
                silent.pop(group.socket, None)
                actions.append(fault.cure)
                started.append(fault)
    return Found(
        memory=replace(memory, restarts=restarts, silent=silent),
        actions=tuple(actions),
        started=tuple(started),
        broken=tuple(broken),
    )


def again(memory: Memory, fault: Fault, now: Now) -> tuple[Memory, tuple[Start, ...]]:
    """One more try, a minute after the last one, for a group that cannot or may not leave."""
    tries = (*memory.restarts.get(fault.unit, ()), *memory.failures.get(fault.unit, ()))
    if fault.cure is None or any(now.mono - at < RESTARTS_S / 2 for at in tries):
        return memory, ()
    restarts = {**memory.restarts, fault.unit: (*memory.restarts.get(fault.unit, ()), now.mono)}
    return replace(memory, restarts=restarts), (fault.cure,)


def _faults(group: Group, memory: Memory, seen: Observation) -> list[Fault]:
    found: list[Fault] = []

    def add(unit: str, why: str, cure: type[Start] | None) -> None:
        found.append(
            Fault(
                group=group,
                unit=unit,
                why=why,
                cure=cure(unit=unit, vip=group.vip) if cure is not None else None,
            )
        )

    for name in group.watched:
        unit = seen.units.get(name)
        if unit is None or f"unit {name}" in seen.running:
            continue
        if unit.restarting:
            add(name, "has ended", None)
        elif unit.down:
            add(name, "has failed" if unit.active == "failed" else "does not run", Start)
    if found:
        return found[:1]  # In the order of their start: a later one may only need an earlier one.
    if _works(group.threads_of, seen) and seen.threads == 0:
        add(group.threads_of, "runs without a thread in the kernel", Restart)
    elif (
        group.socket
        and memory.silent.get(group.socket, 0) >= SILENT
        and _works(group.units[-1], seen)
        # A daemon that waits for a frozen disk does not hang: its peer is being fenced.
        and not seen.state(group).frozen
    ):
        add(group.units[-1], "hangs", KillAndStart)
    return found


def _works(name: str, seen: Observation) -> bool:
    unit: UnitSeen | None = seen.units.get(name)
    return (
        unit is not None
        and unit.active == "active"
        and not unit.job
        and f"unit {name}" not in seen.running
    )


def _failed(memory: Memory, unit: str) -> bool:
    return len(memory.failures.get(unit, ())) >= RESTARTS


def _count(config: Config, memory: Memory, seen: Observation, now: Now) -> Memory:
    """Bring the counters up to this pass; what is too old is forgotten."""
    restarts = _young(memory.restarts, now.mono - RESTARTS_S)
    failures = _young(memory.failures, now.mono - FAILURES_S)
    for ended in seen.ended:
        unit = ended.key.removeprefix("unit ")
        if unit != ended.key and ended.code != 0:
            failures[unit] = (*failures.get(unit, ()), now.mono)
    counters = dict(memory.counters)
    for name in (name for group in config.groups for name in group.watched):
        unit_seen = seen.units.get(name)
        if unit_seen is None:
            continue
        more = unit_seen.restarts - counters.get(name, unit_seen.restarts)
        counters[name] = unit_seen.restarts
        # A count that shrinks was reset by a start that somebody asked for.
        if more > 0:
            restarts[name] = restarts.get(name, ()) + (now.mono,) * more
    silent = dict(memory.silent)
    for socket, answered in seen.greeted.items():
        silent[socket] = 0 if answered else silent.get(socket, 0) + 1
    return replace(memory, restarts=restarts, failures=failures, counters=counters, silent=silent)


def _young(times: Mapping[str, tuple[float, ...]], oldest: float) -> dict[str, tuple[float, ...]]:
    kept = {name: tuple(at for at in found if at > oldest) for name, found in times.items()}
    return {name: found for name, found in kept.items() if found}
