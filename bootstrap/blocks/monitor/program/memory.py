"""What the monitor remembers from pass to pass, and the part of it that outlives the process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bootstrap.blocks.monitor.program.seen import Holding

KEEP_S = 3600
"""How long moves are kept in the file: far beyond the ten minutes that count."""


@dataclass(frozen=True, kw_only=True)
class Move:
    """A group that was handed over from here, or that came here."""

    group: str
    """Its name."""
    wall: float
    """When, seconds since the epoch."""


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Something that a person should know of."""

    id: str
    """Its name, the same each time."""
    group: str
    """Which group it is about; ``-``: the node."""
    since: float
    """When it began, seconds since the epoch."""
    text: str
    """One sentence: what, where, and what to do."""
    command: str
    """What to type; empty: nothing is to be done."""


ProblemKey = tuple[str, str]
"""Id and group."""


@dataclass(frozen=True, kw_only=True)
class Memory:
    """Everything; a pass makes a new one."""

    handovers: tuple[Move, ...] = ()
    """Hand-overs that this node asked for; kept in the file."""
    arrivals: tuple[Move, ...] = ()
    """When groups came here; kept in the file."""
    was: Mapping[str, Holding] = field(default_factory=dict)
    """Group -> how much of it was here in the last pass; kept in the file."""
    rising: frozenset[str] = frozenset()
    """Groups that were absent, are partly here and were not held in between: they come."""
    fell: Mapping[str, float] = field(default_factory=dict)
    """Group -> when it came partly and went again: Heartbeat tried, and gave up."""
    restarts: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    """Unit -> when it was started again, by this monitor or by systemd."""
    failures: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    """Unit -> when a start of it ended with an error."""
    counters: Mapping[str, int] = field(default_factory=dict)
    """Unit -> systemd's own count of restarts in the last pass."""
    silent: Mapping[str, int] = field(default_factory=dict)
    """Socket -> greetings in a row that did not come."""
    leaving: Mapping[str, float] = field(default_factory=dict)
    """Group -> when this node asked for its hand-over, while it is still here."""
    lost: Mapping[str, float] = field(default_factory=dict)
    """Group -> since when Heartbeat believes it here, is stable, and it is not here."""
    requests: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    """Group -> when it was requested again, since it was lost."""
    connected: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Group that is here -> its clients' connections in the last look at them."""
    noted: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Group that is here -> those that its file names."""
    rscstatus: str = ""
    """The last answer; empty: none yet."""
    rscstatus_at: float = 0.0
    """When it came, monotonic."""
    changing_since: float | None = None
    """Since when it is ``transition``, monotonic."""
    ask: bool = True
    """Whether the next look is to ask Heartbeat."""
    passing: Mapping[ProblemKey, tuple[Problem, float]] = field(default_factory=dict)
    """Problems that end by themselves, and when (monotonic)."""
    pending: Mapping[ProblemKey, float] = field(default_factory=dict)
    """Since when something holds that becomes a problem when it lasts (monotonic)."""
    problems: Mapping[ProblemKey, Problem] = field(default_factory=dict)
    """Those of the last pass."""


def dump(memory: Memory, *, wall: float) -> dict[str, Any]:
    """What outlives the process."""
    old = wall - KEEP_S

    def moves(found: tuple[Move, ...]) -> list[dict[str, Any]]:
        return [{"group": m.group, "wall": round(m.wall, 1)} for m in found if m.wall > old]

    return {
        "handovers": moves(memory.handovers),
        "arrivals": moves(memory.arrivals),
        "held": sorted(name for name, how in memory.was.items() if how is Holding.HELD),
    }


def restore(values: Mapping[str, Any]) -> Memory:
    """The inverse; what does not fit counts as nothing remembered."""
    try:
        return Memory(
            handovers=_moves(values["handovers"]),
            arrivals=_moves(values["arrivals"]),
            was={str(name): Holding.HELD for name in values["held"]},
        )
    except (KeyError, TypeError, ValueError):
        return Memory()


def _moves(found: list[dict[str, Any]]) -> tuple[Move, ...]:
    return tuple(Move(group=str(m["group"]), wall=float(m["wall"])) for m in found)
