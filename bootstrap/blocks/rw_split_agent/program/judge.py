"""What a server is good for, as its reconciler sees it: an HTTP status for each of two questions.

``/source``: may writes come here? ``/replica``: may reads? HAProxy takes 200 for yes; 404 for no
new sessions, while those that are there may go on; anything else for no, and ends them
(http-check disable-on-404, on-marked-down shutdown-sessions).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

YES, NO_NEW, NO = 200, 404, 503
SOURCE, REPLICA = "/source", "/replica"
REPLICA_STALE_S = 5.0
"""Age of the reconciler's words from which nobody knows how far the replica is behind: a look at
two servers that answer late takes four seconds."""
SOURCE_STALE_S = 30.0
"""The same for the source, which stays one while its reconciler is started again; a machine that
was frozen for as long has been replaced."""

HANDOVER_S = 2.0
"""Longer than from one question of a splitter to the next: it would have no server to read from
between ``/replica`` and ``/source``."""
HANDOVER_DRAIN_S = 5.0
"""What was the replica is the source: whoever still reads there reads nothing old, and has the time
of a slow page to end."""


@dataclass(frozen=True)
class Verdict:
    """One answer."""

    status: int
    """HTTP status."""
    why: str
    """In words, for a person with curl."""


@dataclass(frozen=True)
class Limits:
    """What the description says."""

    max_lag_s: float
    """Seconds by which a replica that is read from may be behind."""
    drain_s: float
    """Seconds that sessions with a late replica have to end."""


def judge(
    limits: Limits, said: Mapping[str, Any], *, age_s: float, serves: bool, unfit_s: float
) -> dict[str, Verdict]:
    """The answer to each question.

    Args:
        limits: of the pair. said: the reconciler's document; empty: none.
        age_s: seconds since it was written. serves: whether the server greets its clients.
        unfit_s: seconds since it was a fit replica last (``unfit``).
    """
    if not serves:
        return dict.fromkeys((SOURCE, REPLICA), Verdict(NO, "the server does not greet"))
    if said.get("writable"):
        if age_s > SOURCE_STALE_S:
            why = "the reconciler is silent"
            return dict.fromkeys((SOURCE, REPLICA), Verdict(NO, why))
        return {SOURCE: Verdict(YES, "source"), REPLICA: _source_for_reads(unfit_s)}
    source = Verdict(NO, f"it is {said.get('role', 'unknown')}")
    why = unfit(limits, said, age_s=age_s)
    if not why:
        return {SOURCE: source, REPLICA: Verdict(YES, "replica")}
    drains = said.get("role") == "replica" and not said.get("copies") and unfit_s < limits.drain_s
    return {SOURCE: source, REPLICA: Verdict(NO_NEW if drains else NO, why)}


def _source_for_reads(unfit_s: float) -> Verdict:
    """What was the replica is read from until splitters have heard that it is the source."""
    if unfit_s < HANDOVER_S:
        return Verdict(YES, "it has just become the source")
    drains = unfit_s < HANDOVER_S + HANDOVER_DRAIN_S
    return Verdict(NO_NEW if drains else NO, "it is the source")


def unfit(limits: Limits, said: Mapping[str, Any], *, age_s: float) -> str:
    """Why it is no replica to read from; empty: it is one."""
    if said.get("role") != "replica":
        return f"it is {said.get('role', 'unknown')}"
    if age_s > REPLICA_STALE_S:
        return "the reconciler is silent"
    if said["copies"]:
        return "its data are being replaced"
    lag_s = said["lag_s"]
    if lag_s is None:
        # No source to compare with, in a take-over: what was ever acknowledged is here, and nothing
        # more is until one of the two is opened.
        whole = said["source"] is None and said["current"] and said["applied"]
        return "" if whole else "nobody knows how far it is behind"
    if said["applier"] != "running":
        return f"its applier is {said['applier']}"
    return f"it is {lag_s:.1f} s behind" if lag_s > limits.max_lag_s else ""
