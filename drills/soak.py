"""A soak: the drills of a stack one after the other, for a given time, in an order from a seed."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from drills.drill import Drill
from drills.invariants import Verdict
from drills.result import Result, worst_of_all

FOLDER = "soak"
"""In a stack's evidence, beside those of its drills."""


@dataclass(frozen=True, kw_only=True)
class Soak:
    """What a soak has shown."""

    stack: str
    """Name of the stack."""
    seed: int
    """Gives the order of the drills, at the same commit."""
    minutes: int
    """How long it was to last: no drill begins later."""
    started: str
    """When, in UTC; also the name of its evidence folder."""
    seconds: float
    """How long it took."""
    runs: tuple[Result, ...]
    """Every drill that was run, in order; after one that has not passed there is none."""
    made_on: dict[str, str]
    """Machine, commit and command."""

    @property
    def verdict(self) -> Verdict:
        """One answer for all runs; of none, that it cannot be told."""
        return worst_of_all([run.verdict for run in self.runs])

    def as_json(self) -> dict[str, Any]:
        """What a summary reads; the runs' own evidence is in the folders that are named."""
        shown = [run.as_json() for run in self.runs]
        return {
            "stack": self.stack,
            "seed": self.seed,
            "minutes": self.minutes,
            "started": self.started,
            "seconds": self.seconds,
            "verdict": str(self.verdict),
            "drills": [run["drill"] for run in shown],
            "acknowledged": sum(run["acknowledged"] for run in shown),
            "lost": sum(run["lost"] for run in shown),
            "outage_s": max(
                (r["outage_s"] for r in shown if r["outage_s"] is not None), default=None
            ),
            "reasons": [f"{run['drill']}: {text}" for run in shown for text in run["reasons"]],
            "evidence": [run["evidence"] for run in shown],
            "made_on": self.made_on,
        }

    def line(self) -> str:
        """One line for a person."""
        shown = self.as_json()
        return (
            f"soak of {self.stack}, seed {self.seed}: {shown['verdict']}, {len(self.runs)} drills"
            f" in {self.seconds / 60:.0f} min, {shown['acknowledged']} acknowledged,"
            f" {shown['lost']} lost"
        )


def suitable(drills: Iterable[Drill]) -> list[Drill]:
    """Those that a soak chooses from: no control, which has to break, and none whose length is a
    matter of choice, which would be the whole soak."""
    return [drill for drill in drills if not drill.is_control and drill.lasts_s is None]


def order(drills: Sequence[Drill], seed: int) -> Iterator[Drill]:
    """Without an end: every drill once in each round, each round in an order of its own."""
    chance = random.Random(seed)
    while drills:
        yield from chance.sample(drills, len(drills))


def expected(drills: Sequence[Drill], seed: int, seconds: float) -> list[Drill]:
    """The drills that fit into so long when each takes what its entry says."""
    found, used = [], 0.0
    # None takes less than a second: so many are enough.
    for drill in islice(order(drills, seed), int(seconds) + 1):
        if used >= seconds:
            break
        found.append(drill)
        used += drill.seconds
    return found


def soak(
    drills: Sequence[Drill],
    *,
    seed: int,
    seconds: float,
    run: Callable[[Drill], Result],
    now: Callable[[], float] = time.monotonic,
) -> Iterator[Result]:
    """Run drill after drill until the time is over or one has not passed, and leave the stack so.

    Args:
        drills: what is chosen from. seed: gives the order. seconds: no drill begins later. run:
        brings one about. now: a clock, in seconds.
    """
    ends = now() + seconds
    for drill in order(drills, seed):
        if now() >= ends:
            return
        result = run(drill)
        yield result
        if result.verdict is not Verdict.PASS:
            return
