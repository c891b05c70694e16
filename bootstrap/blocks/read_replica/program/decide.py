"""From what was seen: one step, and whether the replica may be read from. Pure.

Nothing is copied over data but on a person's word: only a server that was never anything but empty
begins as a copy by itself.

How far a replica is behind is measured by the source's own sets: the age of the oldest one that it
has not reached. The server's own figure counts from what was received, and says 0 of a receiver
that gets nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from bootstrap.blocks.read_replica.program.seen import Own, Source
from bootstrap.shared.gtids import Gtids

STALE_S = 5.0
"""Age of the last look at the own server from which nobody knows how it is: one that answers late
takes two seconds, its client as many to begin."""
MARKS = 600
"""Sets of the source that are remembered, one of each look that found a new one: ten minutes."""


class Step(StrEnum):
    """What is done to the own server."""

    COPY = "copy"
    """All of the source's data in the stead of what is there."""
    FOLLOW = "follow"
    """The source's log, from where the replica is."""
    START = "start"
    """Receiver and applier, which somebody has stopped."""
    CLOSE = "close"
    """Nobody writes here: a copy that failed has left it open."""


@dataclass
class Pace:
    """How far behind the replica is."""

    marks: list[tuple[float, Gtids]] = field(default_factory=list)
    """Sets of the source that it has not reached, with the time at which each was seen."""
    compared: bool = False
    """Whether the two were ever compared since this program began."""

    def see(self, now: float, source: Source | None, own: Own | None) -> None:
        """A look; a source that is silent writes nothing that anybody could know of."""
        if source is not None and (not self.marks or self.marks[-1][1] != source.executed):
            self.marks = [*self.marks, (now, source.executed)][-MARKS:]
        if own is not None:
            self.compared = self.compared or source is not None
            self.marks = [(when, what) for when, what in self.marks if not what <= own.executed]

    def lag_s(self, now: float) -> float:
        """Seconds, 0 where it has all that the source was seen to have."""
        return now - self.marks[0][0] if self.marks else 0.0


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """One look, for directors and for people."""

    fit: bool
    """Whether it may be read from."""
    why: str
    """In words."""
    step: Step | None
    """What is to be done."""


def decide(
    own: Own | None,
    source: Source | None,
    pace: Pace,
    *,
    now: float,
    wanted: str,
    max_lag_s: float,
    rebuild: bool,
) -> Verdict:
    """What is so.

    Args:
        own: None where it does not answer. source: the same.
        pace: with this look in it. now: its time. wanted: address of the source.
        max_lag_s: of the description. rebuild: whether a person asks for a new copy.
    """
    if own is None:
        return _unfit("its server does not answer")
    if rebuild or own.blank:
        return _begin(source)
    if not own.closed:
        return _unfit("its server may be written to", Step.CLOSE)
    if own.follows != wanted:
        return _join(own, source)
    if own.broken:
        return _unfit(f"it cannot apply what it has received: {own.broken}")
    if source is not None and not source.purged <= own.executed:
        return _unfit("its source has not kept what it lacks: it needs a new copy")
    if source is not None and own.refused:
        # The source has let this program in: it knows the password of now.
        return _unfit("its source does not let its receiver in", Step.FOLLOW)
    if not own.receiver or not own.applier:
        return _unfit("it was stopped", Step.START)
    if not pace.compared:
        return _unfit("it has not met its source since it began")
    lag_s = pace.lag_s(now)
    if lag_s > max_lag_s:
        reason = f": {own.error}" if own.error else ""
        return _unfit(f"it is {lag_s:.1f} s behind{reason}")
    silent = "" if source is not None else ", its source is silent"
    return Verdict(fit=True, why=f"it has all{silent}", step=None)


def _unfit(why: str, step: Step | None = None) -> Verdict:
    return Verdict(fit=False, why=why, step=step)


def _begin(source: Source | None) -> Verdict:
    if source is None:
        return _unfit("it waits for its source, to copy it")
    if not source.numbers:
        return _unfit("its source does not number its transactions yet: it does after a switchover")
    return _unfit("it copies its source", Step.COPY)


def _join(own: Own, source: Source | None) -> Verdict:
    if source is None:
        return _unfit("it waits for its source, to follow it")
    if not own.executed <= source.executed:
        return _unfit("it has what its source has not: it needs a new copy")
    if not source.purged <= own.executed:
        return _unfit("its source has not kept what it lacks: it needs a new copy")
    return _unfit("it begins to follow its source", Step.FOLLOW)
