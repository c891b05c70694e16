"""From what was seen: one step, and whether the replica may be read from. Pure.

Nothing is copied over data but on a person's word: only a server that was never anything but empty
begins as a copy by itself, and one whose copy was interrupted goes on with it.

How far a replica is behind is measured by the source's own sets: the age of the oldest one that it
has not reached. The server's own figure counts from what was received, and says 0 of a receiver
that gets nothing. A source that is silent writes nothing that anybody could know of: a replica that
had all stays in, as while its source is taken over, and says so.

A replica whose data are no part of its source's any more would follow it again as soon as both
count the same numbers. That it is strange is seen before, and kept until there is a new copy.
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
"""Sets of the source that are remembered beside the oldest, one of each look that found another."""
NUMBERLESS = "its source has written transactions without numbers"


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
    """Sets that it has not reached, with the time since which there is such a one."""
    first: Gtids | None = None
    """What the source had when it answered first since this program began."""
    compared: bool = False
    """Whether it has reached that: until then its delay began before anybody looked."""
    heard: float | None = None
    """When the source answered last."""
    barred_since: float | None = None
    """Since when the source answers, and lets nobody in."""
    extra: Gtids = field(default_factory=Gtids)
    """What it had in the last look that its source had not."""
    strange: str = ""
    """Why its data are no part of its source's."""

    def see(self, now: float, source: Source | None, own: Own | None, *, barred: bool) -> None:
        """A look: the source's answer is older than the own server's."""
        if not barred:
            self.barred_since = None
        elif self.barred_since is None:
            self.barred_since = now
        if source is not None:
            # Since it fell silent it may have written at any time.
            silent = self.heard is not None and now - self.heard > STALE_S
            self._mark(self.heard if silent and self.heard is not None else now, source.executed)
            self.first = source.executed if self.first is None else self.first
            self.heard = now
        if own is None:
            return
        if not own.received <= own.executed:
            self._mark(now, own.received)
        self.marks = [(when, what) for when, what in self.marks if not what <= own.executed]
        self.compared = self.compared or (self.first is not None and self.first <= own.executed)
        if source is not None and own.follows:
            self._compare(source, own)

    def _mark(self, when: float, what: Gtids) -> None:
        if not self.marks or self.marks[-1][1] != what:
            self.marks = [*self.marks[:1], *self.marks[1:][-MARKS:], (when, what)]

    def _compare(self, source: Source, own: Own) -> None:
        """What it had before the source's answer, and the source has not, is not its source's."""
        lasting = self.extra - source.executed
        self.extra = own.executed - source.executed
        if lasting:
            self.strange = f"it has what its source has not: {lasting.text()}"
        elif not source.numbers:
            self.strange = NUMBERLESS

    def silent_s(self, now: float) -> float:
        """Seconds since the source's last answer, 0 where there was none yet."""
        return now - self.heard if self.heard is not None else 0.0

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
    asked: bool,
) -> Verdict:
    """What is so.

    Args:
        own: None where it does not answer. source: the same.
        pace: with this look in it. now: its time. wanted: address of the source.
        max_lag_s: of the description.
        asked: whether a person asks for a new copy, or one was begun and its end was not seen.
    """
    if own is None:
        return _unfit("its server does not answer")
    if asked or own.blank:
        return _begin(source)
    if pace.strange:
        return _unfit(f"{pace.strange}: it needs a new copy")
    if not own.closed:
        return _unfit("its server may be written to", Step.CLOSE)
    if own.follows != wanted:
        return _join(own, source)
    if own.broken:
        return _unfit(f"it cannot apply what it has received: {own.broken}")
    if source is not None and not source.purged <= own.executed:
        return _unfit("its source has not kept what it lacks: it needs a new copy")
    if own.refused or (pace.barred_since is not None and now - pace.barred_since > max_lag_s):
        # A source that has let this program in: it knows the password of now.
        step = Step.FOLLOW if own.refused and source is not None else None
        return _unfit("its source does not let it in", step)
    if not own.receiver or not own.applier:
        if source is not None and not own.executed <= source.executed:
            return _unfit("it has what its source has not")
        return _unfit("it was stopped", Step.START)
    if not pace.compared:
        return _unfit("nobody knows yet how far it is behind")
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
