"""What must never be seen, judged from what was watched all the time; pure functions.

Each answers ``pass``, ``fail`` with what was seen, or ``unknown`` when fewer than 95 % of the
samples due were taken: what nobody looked at proves nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Any

from drills import arp, inside
from drills.inside import Sample
from drills.observe import MIN_SAMPLED, sampled_share

ONE_HOLDER = "one VIP holder"
"""Names of what holds all the time: this one of every pair."""
ONE_SOURCE = "one source"
ONE_PRIMARY = "one DRBD Primary"
ONE_MYSQLD = "one mysqld"


class Verdict(StrEnum):
    """How something ended."""

    PASS = "pass"
    """It held."""
    FAIL = "fail"
    """It was seen not to hold."""
    UNKNOWN = "unknown"
    """It cannot be told; that is no pass."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """The answer of one invariant or check."""

    verdict: Verdict
    """The answer."""
    reason: str = ""
    """What was seen, for a person; empty for a pass."""


def worst(verdicts: Sequence[Verdict]) -> Verdict:
    """One answer for all: a failure outweighs what is unknown, which outweighs a pass."""
    for verdict in (Verdict.FAIL, Verdict.UNKNOWN):
        if verdict in verdicts:
            return verdict
    return Verdict.PASS


def one_holder(
    samples: Sequence[dict[str, Any]],
    *,
    vips: int,
    brief_s: float = 0.0,
    apart: Sequence[tuple[float, float]] = (),
) -> Finding:
    """At most one machine answers ARP for each VIP, at every instant.

    Args:
        samples: of ``drills.arp``. vips: how many were asked for.
        brief_s: for how long two may answer for one, where nothing worse comes of that.
        apart: from when to when, by the wall clock, the nodes could not hear each other and two
            holders are what a pair without fencing has.
    """
    doubles: list[dict[str, Any]] = []
    since: dict[str, float] = {}
    for sample in sorted(samples, key=lambda sample: float(sample["at"])):
        at, vip = float(sample["at"]), str(sample["vip"])
        if len(sample["macs"]) < 2 or any(start <= at <= end for start, end in apart):
            since.pop(vip, None)
        elif not brief_s or at - since.setdefault(vip, at) > brief_s:
            doubles.append(sample)
    if doubles:
        first = doubles[0]
        reason = f"{first['vip']} was held by {' and '.join(first['macs'])} at {first['at']}"
        return Finding(verdict=Verdict.FAIL, reason=f"{reason}, {len(doubles)} samples in all")
    return _enough(sampled_share(samples, rate_hz=arp.RATE_HZ, vips=vips), "ARP")


def one_primary(samples: Sequence[Sample]) -> Finding:
    """No DRBD resource is Primary on two nodes at once."""
    minors = sorted({minor for sample in samples for minor in sample.roles})
    for minor in minors:
        found = _together(samples, partial(_is_primary, minor=minor))
        if found:
            reason = f"minor {minor} was Primary on {found}"
            return Finding(verdict=Verdict.FAIL, reason=reason)
    return _enough(inside.sampled(samples), "node")


def one_mysqld(samples: Sequence[Sample]) -> Finding:
    """At most one mysqld of the pair runs, on both nodes together."""
    for sample in samples:
        if len(sample.mysqld) > 1:
            reason = f"{len(sample.mysqld)} mysqld ran on {sample.node}"
            return Finding(verdict=Verdict.FAIL, reason=reason)
    found = _together(samples, lambda sample: bool(sample.mysqld))
    if found:
        return Finding(verdict=Verdict.FAIL, reason=f"mysqld ran on {found}")
    return _enough(inside.sampled(samples), "node")


def one_source(samples: Sequence[Sample]) -> Finding:
    """At most one server of a GTID pair may be written to, at every instant."""
    found = _together(samples, lambda sample: sample.writable is True)
    if found:
        return Finding(verdict=Verdict.FAIL, reason=f"MySQL could be written to on {found}")
    return _enough(inside.sampled(samples), "node")


def _is_primary(sample: Sample, *, minor: int) -> bool:
    return sample.roles.get(minor) == "Primary"


def _together(samples: Sequence[Sample], active: Callable[[Sample], bool]) -> str:
    """The two nodes that were active at once; empty when none were.

    A node was active between two samples in a row of one boot that both say so. One that is
    activated, deactivated and activated again between two samples would be seen as a violation that
    is none; nothing here does that within a second.
    """
    spans: dict[str, list[tuple[float, float]]] = defaultdict(list)
    last: dict[str, Sample] = {}
    for sample in sorted(samples, key=lambda sample: sample.at):
        before = last.get(sample.node)
        begun = sample.at
        if before is not None and before.boot == sample.boot and active(before):
            begun = before.at
        if active(sample):
            spans[sample.node].append((begun, sample.at))
        last[sample.node] = sample
    nodes = sorted(spans)
    for place, one in enumerate(nodes):
        for other in nodes[place + 1 :]:
            for start, end in spans[one]:
                if any(start <= late and early <= end for early, late in spans[other]):
                    return f"{one} and {other} at once"
    return ""


def _enough(share: float, kind: str) -> Finding:
    if share >= MIN_SAMPLED:
        return Finding(verdict=Verdict.PASS)
    reason = f"only {share:.0%} of the {kind} samples due were taken"
    return Finding(verdict=Verdict.UNKNOWN, reason=reason)
