"""The documents' own times, as changes of the descriptions that follow them.

Only what a description can say is here: Heartbeat's times. What the documents do beside that and
Pairwise does not, a check script that kills keepalived, no fencing, handlers that halt a node, is
no setting (requirements.md section 3); of duo (003) and lvs (001) nothing else is left.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from drills.described import in_force
from drills.running import LiveStack
from drills.stage import STEADY_S


@dataclass(frozen=True, kw_only=True)
class Literal:
    """One document's times for one pair."""

    document: str
    """Its number."""
    pair: str
    """The pair in the stack's description."""
    keepalive_s: int
    """Its ha.cf; so are the next three."""
    warntime_s: int
    deadtime_s: int
    initdead_s: int

    @property
    def put(self) -> Mapping[str, int]:
        """The same as a change of the description."""
        times = ("keepalive_s", "warntime_s", "deadtime_s", "initdead_s")
        return {f"pairs.{self.pair}.heartbeat.{name}": getattr(self, name) for name in times}


def _times(document: str, pair: str, *times: int) -> Literal:
    keepalive_s, warntime_s, deadtime_s, initdead_s = times
    return Literal(
        document=document,
        pair=pair,
        keepalive_s=keepalive_s,
        warntime_s=warntime_s,
        deadtime_s=deadtime_s,
        initdead_s=initdead_s,
    )


LITERAL: Mapping[str, Literal] = {
    "six": _times("000", "data", 2, 5, 10, 120),
    "nfs": _times("002", "nfs", 1, 2, 5, 10),
    "gateway": _times("004", "directors", 1, 5, 10, 20),
}
"""By stack."""


@contextmanager
def as_written(stack: LiveStack, literal: Literal) -> Iterator[LiveStack]:
    """The running stack with a document's times in force, and with its own ones at the end."""
    try:
        with in_force(stack, put=literal.put) as other:
            _restart(other, literal.pair)
            yield other
    finally:
        _restart(stack, literal.pair)


def _restart(stack: LiveStack, pair: str) -> None:
    """Heartbeat reads its times at its start; one node after the other, so that its peer serves."""
    for node in stack.plan.deploys[pair].nodes:
        stack.wait_until_steady(timeout_s=STEADY_S)
        stack.exec(node, "systemctl restart heartbeat")
    stack.wait_until_steady(timeout_s=STEADY_S)
