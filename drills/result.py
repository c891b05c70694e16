"""The verdict of a run, as ``pairwise drill run --json`` prints it and the evidence keeps it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from drills.checkers import broke
from drills.invariants import Finding, Verdict, worst

EXIT_CODES = {Verdict.PASS: 0, Verdict.FAIL: 1, Verdict.UNKNOWN: 2}
"""As those of ``pairwise verify``; 3 is usage."""


def worst_of_all(verdicts: Sequence[Verdict]) -> Verdict:
    """One answer for all; of none, that it cannot be told."""
    return worst(verdicts) if verdicts else Verdict.UNKNOWN


def worst_of(findings: Mapping[str, Finding]) -> Verdict:
    """One answer for all findings."""
    return worst_of_all([finding.verdict for finding in findings.values()])


WRITES = "writes"
"""Among what a control has to break: what any group has acknowledged."""


def writes_check(group: str) -> str:
    """Name of the check that a group has kept its writes."""
    return f"{group} {WRITES}"


@dataclass(frozen=True, kw_only=True)
class GroupResult:
    """What clients of one group saw."""

    outage_s: float
    """From the last good answer before the longest gap to the first one after it."""
    acknowledged: int
    """Writes of which clients were told that they are kept."""
    unknown: int
    """Writes whose answer was lost."""
    lost: int
    """Acknowledged ones that were not there in the end."""
    breakdown: dict[str, float] = field(default_factory=dict)
    """Part of the outage -> seconds; empty where the group did not move."""


@dataclass(frozen=True, kw_only=True)
class Result:
    """One run of one drill."""

    stack: str
    """Name of the stack."""
    drill: str
    """Name of the drill."""
    started: str
    """When, in UTC; also the name of the evidence folder."""
    seconds: float
    """How long the run took, steady state included."""
    checks: dict[str, Finding]
    """The drill's own expectations, and what must hold after every drill."""
    invariants: dict[str, Finding]
    """What was watched all the time."""
    groups: dict[str, GroupResult]
    """By name; empty for a drill without clients."""
    evidence: str
    """Folder, relative to the checkout."""
    reads_outage_s: float | None = None
    """The longest time without a good read; none where no splitter was read through."""
    made_on: dict[str, str] = field(default_factory=dict)
    """Machine, commit and command of the run."""
    breaks: tuple[str, ...] = ()
    """What has to be seen to break where the run was a control (``Drill.breaks``)."""

    @property
    def is_control(self) -> bool:
        """Whether the run was a control."""
        return bool(self.breaks)

    @property
    def safety(self) -> dict[str, Finding]:
        """What a pair is built for: each invariant, and that each group keeps its writes."""
        names = {writes_check(group) for group in self.groups}
        kept = {name: found for name, found in self.checks.items() if name in names}
        return {**kept, **self.invariants}

    @property
    def broken(self) -> list[str]:
        """Names of what was seen not to hold of that."""
        return [n for n, found in self.safety.items() if found.verdict is Verdict.FAIL]

    @property
    def findings(self) -> dict[str, Finding]:
        """Everything that the verdict follows from; of a control's safety, that it broke."""
        named = {**self.checks, **self.invariants}
        if not self.is_control:
            return named
        others = {name: found for name, found in named.items() if name not in self.safety}
        kept = {writes_check(group) for group in self.groups} if WRITES in self.breaks else set()
        breaks = {*self.breaks, *kept}
        return {**others, "control": broke(self.safety, breaks=breaks, ran=worst_of(others))}

    @property
    def verdict(self) -> Verdict:
        """One answer for all findings."""
        return worst_of(self.findings)

    @property
    def outage_s(self) -> float | None:
        """The longest outage of any group."""
        return max((group.outage_s for group in self.groups.values()), default=None)

    @property
    def client_outage_s(self) -> float | None:
        """The same; of a pair that has no data, the longest time without a good answer."""
        return self.reads_outage_s if self.outage_s is None else self.outage_s

    @property
    def reasons(self) -> list[str]:
        """Each finding that is no pass, as a sentence; a control's are what it is run for."""
        named = {**self.checks, **self.invariants, **self.findings}
        return [f"{name}: {found.reason}" for name, found in named.items() if found.reason]

    def as_json(self) -> dict[str, Any]:
        """The keys of design.md section 6, and what a summary needs beside them."""
        return {
            "drill": self.drill,
            "verdict": str(self.verdict),
            "outage_s": self.outage_s,
            "reads_outage_s": self.reads_outage_s,
            "acknowledged": sum(group.acknowledged for group in self.groups.values()),
            "lost": sum(group.lost for group in self.groups.values()),
            "invariants": {name: str(f.verdict) for name, f in self.invariants.items()},
            "evidence": self.evidence,
            "stack": self.stack,
            "started": self.started,
            "seconds": self.seconds,
            "control": self.is_control,
            "broken": self.broken,
            "reasons": self.reasons,
            "checks": {name: str(found.verdict) for name, found in self.checks.items()},
            "groups": {
                name: {
                    "outage_s": group.outage_s,
                    "acknowledged": group.acknowledged,
                    "unknown": group.unknown,
                    "lost": group.lost,
                    "breakdown": group.breakdown,
                }
                for name, group in self.groups.items()
            },
            "made_on": self.made_on,
        }

    def line(self) -> str:
        """One line for a person."""
        told = f"{self.drill}: {self.verdict}"
        if self.outage_s is not None:
            shown = self.as_json()
            told += f", outage {self.outage_s:.1f} s, {shown['acknowledged']} acknowledged,"
            told += f" {shown['lost']} lost"
        if self.reads_outage_s is not None:
            told += f", no read for {self.reads_outage_s:.1f} s"
        if self.is_control:
            told += f", broke as a control has to: {', '.join(self.broken) or 'nothing'}"
        return f"{told}, evidence in {self.evidence}"
