"""One drill with our times and with a document's own, on the same machines in the same run."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import Any

from drills.drill import MOST
from drills.invariants import Verdict
from drills.literal import Literal
from drills.result import Result, worst_of_all

FOLDER = "compare"
"""In a stack's evidence, beside those of its drills."""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What was seen of both."""

    stack: str
    """Name of the stack."""
    drill: str
    """Name of the drill."""
    literal: Literal
    """The document and its times."""
    started: str
    """When, in UTC; also the name of its evidence folder."""
    ours: tuple[Result, ...]
    """Runs with the stack as it is described."""
    written: tuple[Result, ...]
    """Runs with the document's times."""
    made_on: dict[str, str]
    """Machine, commit and command."""
    most: float = MOST
    """Our median outage is at most so many times the document's, where that keeps every promise."""

    @property
    def ratio(self) -> float | None:
        """Our median outage as a multiple of the document's; none where one is not known."""
        ours, written = _median(self.ours), _median(self.written)
        return round(ours / written, 2) if ours is not None and written else None

    @property
    def broken(self) -> list[str]:
        """What did not hold in a run with the document's times."""
        names = {name for run in self.written for name in run.broken}
        failed = {run.drill for run in self.written if run.verdict is Verdict.FAIL}
        return sorted(names) or [f"{name} not passed" for name in sorted(failed)]

    @property
    def verdict(self) -> Verdict:
        """Ours have to pass, and not to be slower than a document's that keep every promise."""
        found = worst_of_all([run.verdict for run in self.ours])
        if found is not Verdict.PASS or self.broken:
            return found
        # A run of which nothing is known may have kept every promise, or not.
        known = all(run.verdict is Verdict.PASS for run in self.written)
        if self.ratio is None or not known:
            return Verdict.UNKNOWN
        return Verdict.PASS if self.ratio <= self.most else Verdict.FAIL

    def as_json(self) -> dict[str, Any]:
        """What a summary reads."""
        return {
            "stack": self.stack,
            "drill": self.drill,
            "document": self.literal.document,
            "put": dict(self.literal.put),
            "started": self.started,
            "verdict": str(self.verdict),
            "ours_s": [run.client_outage_s for run in self.ours],
            "written_s": [run.client_outage_s for run in self.written],
            "ratio": self.ratio,
            "most": self.most,
            "broke": self.broken,
            "evidence": [run.evidence for run in (*self.ours, *self.written)],
            "made_on": self.made_on,
        }

    def line(self) -> str:
        """One line for a person."""
        return (
            f"{self.drill}: {self.verdict}, median outage {_shown(_median(self.ours))} with ours,"
            f" {_shown(_median(self.written))} with those of document {self.literal.document},"
            f" which broke {', '.join(self.broken) or 'nothing'}"
        )


def _median(runs: tuple[Result, ...]) -> float | None:
    outages = [run.client_outage_s for run in runs if run.client_outage_s is not None]
    return median(outages) if outages else None


def _shown(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds:.1f} s"
