"""What a run has shown: from histories and samples to findings; pure but for what it is given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from drills import checkers, inside, invariants
from drills.inside import Sample
from drills.invariants import Finding, Verdict
from drills.observe import holders
from drills.result import GroupResult
from drills.scene import Mark
from drills.subject import Group, Subject
from drills.timeline import Event, breakdown
from drills.workloads.recorder import Gap, Write, acknowledged, longest_gap, served

NO_STALE_READ = "no stale read"
"""Invariant of what clients read while they write."""
LAST_SAMPLE_S = 30.0
"""A node whose last sample is older than this at the end was not watched to the end."""


@dataclass(frozen=True, kw_only=True)
class Watched:
    """Everything that was seen from the first write to the steady state."""

    nodes: tuple[str, ...]
    """The pair's."""
    marks: Sequence[Mark]
    """What happened when."""
    arp: Sequence[dict[str, object]]
    """Samples of ``drills.arp``."""
    samples: Sequence[Sample]
    """Samples of all nodes."""
    histories: Mapping[str, Sequence[Write]]
    """Writes of each group."""
    found: Mapping[str, Sequence[int]]
    """Numbers that each group has in the end, where they could be read."""
    ended: float
    """When watching ended, by the monotonic clock."""
    wall_offset: float
    """Seconds from this machine's monotonic clock to its wall clock."""
    apart: Sequence[tuple[float, float]] = ()
    """From when to when the nodes could not hear each other, where two holders are allowed then."""
    reads: Sequence[Write] = ()
    """Reads through a splitter, where there is one."""


def invariant_findings(seen: Watched, subject: Subject) -> dict[str, Finding]:
    """Every invariant of a pair."""
    vips = len(subject.groups)
    holder = invariants.one_holder(
        list(seen.arp), vips=vips, brief_s=subject.brief_s, apart=seen.apart
    )
    found = {invariants.ONE_HOLDER: holder}
    found |= {name: holds(seen.samples) for name, holds in subject.invariants.items()}
    watched = {name: _to_the_end(finding, seen) for name, finding in found.items()}
    looks = [h for h in seen.histories.values() if any(w.rows is not None for w in h)]
    reads = [checkers.no_stale_read(history) for history in looks]
    stale = [finding for finding in reads if finding.verdict is not Verdict.PASS]
    if reads:
        watched[NO_STALE_READ] = next(iter(stale), reads[0])
    return watched


def _to_the_end(finding: Finding, seen: Watched) -> Finding:
    """A pass is none when a node was not watched at the end, where it runs and is steady."""
    if finding.verdict is not Verdict.PASS:
        return finding
    for node in seen.nodes:
        latest = max((s.at for s in seen.samples if s.node == node), default=0.0)
        if seen.ended - latest > LAST_SAMPLE_S:
            return Finding(verdict=Verdict.UNKNOWN, reason=f"{node} was not watched to the end")
    return finding


def group_result(
    seen: Watched, subject: Subject, group: Group, events: Mapping[str, Sequence[Event]]
) -> GroupResult:
    """What the clients of a group saw from the first fault on."""
    history = seen.histories[group.name]
    gap = _gap(seen, history)
    parts: dict[str, float] = {}
    before = [mark for mark in seen.marks if mark.at <= gap.end]
    first_write = gap.end + seen.wall_offset
    holder = holder_at(seen, group, first_write)
    came = gap.end < seen.ended
    if came and before and holder and moved_in(seen, group, before[-1].wall, first_write):
        mine = events.get(holder, ())
        fault = before[-1].wall
        parts = breakdown(mine, subject.starts(group), fault=fault, first_write=first_write)
    return GroupResult(
        outage_s=round(gap.seconds, 2),
        acknowledged=len(acknowledged(history)),
        unknown=sum(write.outcome == "unknown" for write in history),
        lost=len(checkers.lost(history, seen.found[group.name])),
        breakdown=parts,
    )


def reads_outage_s(seen: Watched) -> float | None:
    """The longest time without a good read since the first fault; none without a splitter."""
    if not seen.reads:
        return None
    return round(_gap(seen, seen.reads).seconds, 2)


def _gap(seen: Watched, history: Sequence[Write]) -> Gap:
    """The longest one since the first fault; one that nothing has ended lasts until the end."""
    begun = seen.marks[0].at if seen.marks else 0.0
    since = _from(history, begun)
    last = max((w.ended for w in served(since) if w.ended is not None), default=begun)
    still = Gap(start=last, end=max(last, seen.ended))
    return max(longest_gap(since), still, key=lambda gap: gap.seconds)


def _from(history: Sequence[Write], begun: float) -> list[Write]:
    """The writes since an instant, and the last acknowledged one before it."""
    before = [w for w in served(history) if w.ended is not None and w.ended < begun]
    return [*before[-1:], *(w for w in history if w.ended is not None and w.ended >= begun)]


def _spans(seen: Watched, group: Group) -> list[tuple[float, str]]:
    """(since when, MAC) of each holder of a group's VIP, silence left out."""
    changes = holders(seen.arp).get(str(group.vip), [])
    return [(at, macs[0]) for at, macs in changes if macs]


def holder_at(seen: Watched, group: Group, wall: float) -> str | None:
    """MAC that held a group's VIP at an instant, or was the last to hold it before."""
    before = [mac for at, mac in _spans(seen, group) if at <= wall]
    return before[-1] if before else None


def moved_in(seen: Watched, group: Group, start: float, end: float) -> bool:
    """Whether a group's VIP changed hands between two instants."""
    return holder_at(seen, group, start) != holder_at(seen, group, end)


def clock_offsets(samples: Sequence[Sample], nodes: Sequence[str]) -> dict[str, float]:
    """Seconds to add to each node's wall clock."""
    return {node: inside.clock_offset(samples, node) for node in nodes}
