"""What a look is published as: role, lag, and named problems with what to type."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from bootstrap.blocks.gtid_pair.program.config import Config
from bootstrap.blocks.gtid_pair.program.reconcile import Decision
from bootstrap.blocks.gtid_pair.program.seen import Applier, Memory, Observation
from bootstrap.blocks.gtid_pair.program.step import Step
from bootstrap.shared.gtids import Gtids

SHOTS = 3600
"""Looks that are kept to say how far a replica is behind."""


@dataclass
class Lag:
    """Seconds by which the own server is behind its source, from what that had executed and when.

    Seconds_Behind_Source is 28 right after a start and NULL with the applier stopped (measured).
    """

    shots: list[tuple[float, Gtids]] = field(default_factory=list)
    reached: bool = False
    """Whether it has had what this source had: until then its delay began before anybody looked."""

    def seconds(self, seen: Observation, now: float) -> float | None:
        """None where there is no source to compare with, or not for long enough."""
        own, peer = seen.own, seen.peer
        if own is None or peer is None:
            # What it had yet to reach it has yet to reach when both answer again.
            return None
        if peer.read_only or not own.read_only:
            self.shots.clear()
            self.reached = False
            return None
        # The oldest is the one that counts.
        self.shots = [*self.shots[:1], *self.shots[1:][-SHOTS:], (now, peer.executed)]
        while self.shots and self.shots[0][1] <= own.executed:
            self.shots.pop(0)
            self.reached = True
        if not self.reached:
            return None
        return round(now - self.shots[0][0], 3) if self.shots else 0.0


def role(memory: Memory, seen: Observation) -> str:
    """``replica`` is also one that waits for a source: it knows where it stands."""
    if seen.own is None:
        return "unknown"
    if not seen.own.read_only:
        return "source"
    if memory.quarantined:
        return "quarantined"
    stands = seen.peer is not None or memory.current
    return "replica" if stands and (memory.met or seen.activated) else "unknown"


def source_of(config: Config, seen: Observation) -> str | None:
    """The node that may be written to, if this one knows."""
    if seen.own is not None and not seen.own.read_only:
        return config.node
    return config.peer if seen.peer is not None and not seen.peer.read_only else None


def report(
    config: Config,
    decision: Decision,
    seen: Observation,
    *,
    wall: float,
    lag_s: float | None,
    epoch: int,
    held_for: str,
) -> dict[str, Any]:
    """The published document. Its first thirteen keys are a contract with block rw_split:
    ``applied`` says that nothing received waits, ``copies`` that its data are being replaced.
    ``may_hold`` is said to keepalived as well (``publish``), ``held_for`` says why."""
    own = seen.own
    return {
        "time": wall,
        "node": config.node,
        "role": role(decision.memory, seen),
        "source": source_of(config, seen),
        "writable": own is not None and not own.read_only,
        "lag_s": lag_s,
        "applier": str(own.applier if own is not None else Applier.STOPPED),
        "nodes": config.addresses,
        "epoch": epoch,
        "alone": own is not None and own.alone,
        "current": decision.memory.current,
        "applied": own is not None and own.received <= own.executed,
        "copies": decision.step is Step.CLONE,
        "may_hold": decision.memory.may_hold,
        "held_for": held_for,
        "does": f"{decision.step}: {decision.why}",
        "problems": [
            {"id": name, "text": text, "command": command}
            for name, text, command in _problems(config, decision, seen, lag_s)
        ],
    }


def _problems(
    config: Config, decision: Decision, seen: Observation, lag_s: float | None
) -> Iterator[tuple[str, str, str]]:
    memory, own = decision.memory, seen.own
    node, peer, stack = config.node, config.peer, config.stack
    if own is None:
        command = f"pairwise exec {stack} {node} -- journalctl -u mysql -n 50"
        yield "no-server", f"MySQL of {node} gives no answer", command
        return
    if memory.quarantined:
        text = f"{node} is quarantined: {memory.quarantined}"
        yield "quarantined", text, f"pairwise replication rebuild {stack} {node}"
    if own.alone:
        text = f"{node} acknowledges writes without a replica"
        yield "no-replica", text, f"pairwise start {stack} {peer}"
    elif not own.read_only and (seen.peer is None or not own.clients) and not seen.leaving:
        text = f"writes on {node} wait for {peer}, which acknowledges nothing: {decision.why}"
        yield "writes-wait", text, f"pairwise fence confirm {stack} {peer}"
    if own.read_only and seen.peer is None and not memory.current:
        text = f"{node} stays passive: {decision.why}"
        yield "passive", text, f"pairwise start {stack} {peer}"
    elif own.read_only and seen.peer is None:
        text = f"{node} is not source yet: {decision.why}"
        yield "take-over-waits", text, f"pairwise fence confirm {stack} {peer}"
    if len(memory.ends) > 1:
        text = f"MySQL of {node} has ended {len(memory.ends)} times as a source in ten minutes"
        yield "keeps-ending", text, f"pairwise exec {stack} {node} -- journalctl -u mysql -n 100"
    check = f"pairwise replication check {stack}"
    if own.read_only and (own.applier is Applier.BROKEN or own.error):
        yield "replication-broken", f"replication to {node} is broken: {own.error}", check
    if lag_s is not None and lag_s > config.max_lag_s:
        yield "lags", f"{node} is {lag_s:.0f} s behind its source", check
