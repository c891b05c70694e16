"""What must hold when a drill is over: nothing lost, nobody shot who should not, steady again."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from drills.invariants import Finding, Verdict
from drills.workloads.recorder import Write, acknowledged


def lost(history: Sequence[Write], found: Iterable[int]) -> list[int]:
    """Acknowledged numbers that are not there after the heal."""
    return sorted({write.id for write in acknowledged(history)} - set(found))


def never_asked_for(history: Sequence[Write], found: Iterable[int]) -> list[int]:
    """Numbers that are there although no such write was ever begun, or it certainly failed.

    Those after the last are possible: the program ends at its next word after the recorder hung up,
    and a busy machine needs some time to refuse one.
    """
    possible = {write.id for write in history if write.outcome != "failed"}
    last = max((write.id for write in history), default=0)
    return sorted(number for number in set(found) - possible if number <= last)


def twice(found: Sequence[int]) -> list[int]:
    """Numbers that are there more than once: a write that was executed again."""
    return sorted(number for number, times in Counter(found).items() if times > 1)


def writes_kept(history: Sequence[Write], found: Sequence[int]) -> Finding:
    """Every acknowledged write is there, once, and nothing that nobody wrote."""
    if not acknowledged(history):
        return Finding(verdict=Verdict.UNKNOWN, reason="no write was acknowledged at all")
    wrong = {
        "acknowledged and lost": lost(history, found),
        "there without having been written": never_asked_for(history, found),
        "there more than once": twice(found),
    }
    for what, numbers in wrong.items():
        if numbers:
            shown = ", ".join(str(number) for number in numbers[:5])
            return Finding(verdict=Verdict.FAIL, reason=f"{len(numbers)} {what}: {shown}")
    return Finding(verdict=Verdict.PASS)


def no_stale_read(history: Sequence[Write]) -> Finding:
    """Who has looked has found at least what clients had been told before that is kept.

    Of programs that look how many rows there are with the first ones after a login.
    """
    told = sorted(w.ended for w in acknowledged(history) if w.served and w.ended is not None)
    looks = [w for w in acknowledged(history) if w.served and w.rows is not None]
    stale = [
        f"{w.rows} rows were there, {before} acknowledged before"
        for w in looks
        if (before := bisect_left(told, w.invoked)) > (w.rows or 0)
    ]
    if stale:
        return Finding(verdict=Verdict.FAIL, reason=f"{len(stale)} looks: {stale[0]}")
    return Finding(verdict=Verdict.PASS)


def powered_off(requests: Iterable[dict[str, Any]]) -> list[str]:
    """Nodes that the fence endpoint has powered off or found off, in order, one entry each."""
    nodes: list[str] = []
    for entry in requests:
        node = str(entry["peer"])
        if entry["verb"] == "off" and entry["result"] == "off" and node not in nodes:
            nodes.append(node)
    return nodes


def asked_off(requests: Iterable[dict[str, Any]]) -> list[str]:
    """Each power-off that was asked for, in words, whatever came of it; not mere questions."""
    return [
        f"{entry['node']} asked for {entry['peer']} off ({entry['result']})"
        for entry in requests
        if entry["verb"] == "off"
    ]


def first_questions(requests: Iterable[dict[str, Any]], *, since: float) -> dict[str, float]:
    """Node -> when it first asked the endpoint anything since an instant, seconds since the epoch.

    The first one to ask after a cut is DRBD's handler: Heartbeat waits for its dead time.
    """
    first: dict[str, float] = {}
    for entry in requests:
        at = float(entry["time"])
        if at >= since:
            first[str(entry["node"])] = min(at, first.get(str(entry["node"]), at))
    return first


def broke(safety: Mapping[str, Finding], *, breaks: Collection[str], ran: Verdict) -> Finding:
    """The verdict of a control: what it was run without has to be missed.

    Args:
        safety: each invariant, and whether each group kept its writes. breaks: names of those that
            say that it is missed. ran: how everything else of the run ended; nothing follows from
            one that did not get to its end.
    """
    failed = [name for name, finding in safety.items() if finding.verdict is Verdict.FAIL]
    if set(failed) & set(breaks):
        return Finding(verdict=Verdict.PASS)
    if failed:
        reason = f"{' and '.join(failed)} broke, and not what the control is for"
        return Finding(verdict=Verdict.FAIL, reason=reason)
    verdicts = {finding.verdict for finding in safety.values()}
    if ran is not Verdict.PASS or verdicts != {Verdict.PASS}:
        reason = "it cannot be told whether anything broke"
        return Finding(verdict=Verdict.UNKNOWN, reason=reason)
    reason = "nothing broke: where this passes with its safety, that proves nothing"
    return Finding(verdict=Verdict.FAIL, reason=reason)


def fenced_as_expected(
    requests: Sequence[dict[str, Any]], *, must: Iterable[str], may: Iterable[str] = ()
) -> Finding:
    """Those nodes were powered off that had to be, and no other.

    Args:
        requests: of the drill. must: nodes. may: nodes of which either is right.
    """
    seen, wanted = set(powered_off(requests)), set(must)
    allowed = wanted | set(may)
    if wanted <= seen <= allowed:
        return Finding(verdict=Verdict.PASS)
    expected = " and ".join(sorted(wanted)) or "nobody"
    reason = f"powered off: {' and '.join(sorted(seen)) or 'nobody'}, expected: {expected}"
    return Finding(verdict=Verdict.FAIL, reason=reason)


def steady(status: dict[str, Any], preview: dict[str, Any]) -> Finding:
    """``status`` finds nothing wrong, and ``preview`` nothing to change."""
    if not status["healthy"]:
        return Finding(verdict=Verdict.FAIL, reason=" ".join(status["problems"]))
    if preview["changes"] != 0:
        shown = f"{preview['changes']} changes: {preview.get('hosts')}"
        return Finding(verdict=Verdict.FAIL, reason=f"preview shows {shown[:600]}")
    return Finding(verdict=Verdict.PASS)
