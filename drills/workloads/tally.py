"""What a client of many kept connections counts, and the result that it prints."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from typing import Any

SLOW_S = 2.0
"""An answer that took longer is good, and counted as slow."""


@dataclass
class Tally:
    """Counts of one VIP, or of the PHP probe, in one phase (before or after t0)."""

    good: int = 0
    """Answers with status 200 and the expected body."""
    wrong: int = 0
    """Answers with another status or body, or no HTTP at all."""
    slow: int = 0
    """Good answers that took longer than SLOW_S."""
    unanswered: int = 0
    """Requests without an answer in time."""
    refused: int = 0
    """Connections that the other side refused."""
    unreachable: int = 0
    """Connections that were not accepted in time, or that had no route."""
    reset: int = 0
    """Connections that broke: a reset, or an end while a request was waiting for its answer."""
    closed: int = 0
    """Idle connections that the other side ended in good order."""
    seconds: array[float] = field(default_factory=lambda: array("d"))
    """How long each good answer took."""
    examples: list[str] = field(default_factory=list)
    """The first few wrong answers in words."""

    @property
    def failed(self) -> int:
        """Requests and connection attempts that went wrong."""
        return self.wrong + self.unanswered + self.refused + self.unreachable + self.reset

    def answered(self, seconds: float) -> None:
        """Count a good answer."""
        self.good += 1
        self.slow += seconds > SLOW_S
        self.seconds.append(seconds)

    def answered_wrong(self, what: str) -> None:
        """Count a wrong answer and keep the first few."""
        self.wrong += 1
        if len(self.examples) < 5:
            self.examples.append(what)

    def result(self) -> dict[str, Any]:
        """As it is printed; latencies in milliseconds."""
        return {
            **{name: getattr(self, name) for name in COUNTS},
            "failed": self.failed,
            "median_ms": milliseconds(self.seconds, share=0.5),
            "p99_ms": milliseconds(self.seconds, share=0.99),
            "slowest_ms": milliseconds(self.seconds, share=1.0),
            "examples": self.examples,
        }


COUNTS = ("good", "wrong", "slow", "unanswered", "refused", "unreachable", "reset", "closed")


def milliseconds(seconds: array[float], *, share: float) -> float | None:
    """The value that a share of all do not exceed (nearest rank); none without a value."""
    if not seconds:
        return None
    rank = max(-(-len(seconds) * share // 1), 1)
    return round(sorted(seconds)[int(rank) - 1] * 1000, 1)


@dataclass
class Held:
    """The connections of one VIP: how many there are, and who was answered after t0."""

    wanted: int = 0
    """Connections that are to be held."""
    now: int = 0
    """Connections that are open at this moment."""
    complete: bool = False
    """Whether all of them were open once."""
    least: int = 0
    """Fewest at once, from then on until t0."""
    at_mark: int | None = None
    """How many were open at t0."""
    recovered: dict[int, float] = field(default_factory=dict)
    """Connection to seconds from t0 until its first good answer to a request sent after t0."""
    before: Tally = field(default_factory=Tally)
    """Until t0."""
    after: Tally = field(default_factory=Tally)
    """From t0 on."""

    def opened(self) -> None:
        """One more is open."""
        self.now += 1
        if self.now == self.wanted and not self.complete:
            self.complete, self.least = True, self.now

    def ended(self) -> None:
        """One fewer is open."""
        self.now -= 1
        if self.at_mark is None:
            self.least = min(self.least, self.now)

    def result(self) -> dict[str, Any]:
        """As it is printed; ``all_recovered_s`` is null until the last one had its answer."""
        whole = len(self.recovered) == self.wanted
        return {
            "connections": self.wanted,
            "all_were_open": self.complete,
            "fewest_open_before_t0": self.least,
            "open_at_t0": self.at_mark,
            "open_at_end": self.now,
            "recovered": len(self.recovered),
            "all_recovered_s": round(max(self.recovered.values()), 3) if whole else None,
            "before_t0": self.before.result(),
            "after_t0": self.after.result(),
        }
