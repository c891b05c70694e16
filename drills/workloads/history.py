"""The history of a session workload, and what it proves: pure, told from outside the machines.

A line is one request: ``{"client", "source", "op", "invoked", "ended", "outcome", "status",
"answer", "error"}``; times are seconds of the monotonic clock, which all processes of a machine
share. ``outcome`` is ``ok``, ``failed`` (it certainly changed nothing) or ``unknown`` (a visit
that may have been counted although no good answer came).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

Line = dict[str, Any]


def first_nodes(history: Iterable[Line]) -> Counter[str]:
    """How many sessions were first written through each web machine."""
    nodes: dict[int, str] = {}
    for line in in_order(history):
        if line["outcome"] == "ok" and line["op"] == "visit":
            nodes.setdefault(line["client"], line["answer"]["first_node"])
    return Counter(nodes.values())


def serving_nodes(history: Iterable[Line]) -> Counter[str]:
    """How many requests each web machine answered."""
    return Counter(line["answer"]["node"] for line in history if line["outcome"] == "ok")


def sessions(history: Iterable[Line]) -> dict[int, str]:
    """For each client the session that it was given first."""
    given: dict[int, str] = {}
    for line in in_order(history):
        if line["outcome"] == "ok" and line["op"] == "visit":
            given.setdefault(line["client"], line["answer"]["session"])
    return given


def good_since(history: Iterable[Line], *, at: float, op: str) -> set[int]:
    """Clients with a good answer to a request of a kind that was sent after an instant."""
    return {
        line["client"]
        for line in history
        if line["outcome"] == "ok" and line["op"] == op and line["invoked"] >= at
    }


def in_order(history: Iterable[Line]) -> list[Line]:
    """By the time at which each was sent; one client never has two under way."""
    return sorted(history, key=lambda line: float(line["invoked"]))


def broken_sessions(history: Iterable[Line], *, repeats: int = 0) -> list[str]:
    """Each answer that a session store must not give, as a sentence.

    An answer must name the client's first session and node, and count at least every visit that
    was acknowledged, and at most every visit that may have been counted.

    Args:
        history: Lines in any order.
        repeats: Visits of one session that may have been counted twice: a balancer sends a GET
            again when a web machine dies after it counted and before it answered.
    """
    by_client: dict[int, list[Line]] = defaultdict(list)
    for line in in_order(history):
        by_client[line["client"]].append(line)
    return [text for lines in by_client.values() for text in _broken(lines, repeats)]


def _broken(lines: Sequence[Line], repeats: int) -> list[str]:
    found: list[str] = []
    least, most = 0, repeats
    session = node = None
    for line in lines:
        visit, answer = line["op"] == "visit", line["answer"]
        most += visit and line["outcome"] != "failed"
        if line["outcome"] != "ok":
            continue
        least += visit
        who = f"client {line['client']} at {line['invoked']:.3f} ({line['op']}, {answer['node']})"
        if session is None:
            session, node = answer["session"], answer["first_node"]
        if (answer["session"], answer["first_node"]) != (session, node):
            seen = f"{answer['session']} of {answer['first_node']}"
            found.append(f"{who}: session {seen}, it had {session} of {node}.")
        elif not least <= answer["visits"] <= most:
            found.append(f"{who}: {answer['visits']} visits, expected {least} to {most}.")
        # An unknown visit may be counted later still, so that ``most`` never comes down.
        least = max(least, answer["visits"])
    return found


@dataclass(frozen=True, kw_only=True)
class Failures:
    """What became of the requests that were under way in a span of time."""

    in_flight: int
    """Requests sent before its end and ended after its beginning."""
    failed: int
    """Those of them without a good answer."""
    in_flight_at_start: int
    """Requests under way at its first instant."""
    failed_at_start: int
    """Those of them without a good answer."""
    slowest_s: float
    """Longest of all, in seconds."""

    @property
    def share(self) -> float:
        """Failed share of those in flight; 1 when there was none, which proves nothing."""
        return self.failed / self.in_flight if self.in_flight else 1.0


def failures(history: Iterable[Line], *, start: float, end: float) -> Failures:
    """Count the requests in flight during a fault, and those that failed."""
    flying = [line for line in history if line["invoked"] <= end and line["ended"] >= start]
    bad = [line for line in flying if line["outcome"] != "ok"]
    return Failures(
        in_flight=len(flying),
        failed=len(bad),
        in_flight_at_start=sum(line["invoked"] <= start for line in flying),
        failed_at_start=sum(line["invoked"] <= start for line in bad),
        slowest_s=round(max((line["ended"] - line["invoked"] for line in flying), default=0), 3),
    )
