"""Applications behind a splitter: who gets which statement, and a replica that is late."""

from __future__ import annotations

import time

from drills.drill import GTID, Drill, splitters_of
from drills.faults_inside import applier_held
from drills.scenarios.sources import READS_S
from drills.stage import Stage
from drills.wait import wait_until
from drills.workloads import split_mix
from drills.workloads.recorder import Recorder, Write, acknowledged

LEAST = 0.95
"""Share of plain reads that go to the replica (the issue's)."""
STATEMENTS = 10_000
"""The issue's number."""
READ_FROM_S = 60
"""A splitter reads from a replica that is not behind."""
IN_A_ROW = 6
"""Reads, three seconds of them, that say where reads go."""
LEFT_S = 3.0
"""Beyond ``max_lag_s``: a late replica is read from no more (the issue's)."""
BACK_S = 5.0
"""After it has caught up it is read from again (the issue's)."""
CATCH_UP_S = 5.0
"""For what it lacks after some ten seconds of five writes each, on an emulated machine."""


def statements(stage: Stage) -> None:
    """The application's own class and its connections: each statement where it belongs."""
    source = stage.active
    stage.gather(source)
    replica = stage.other(source)
    reads = _reads(stage)
    _wait_until_from(stage, reads, replica)
    gtid = stage.plan.nodes[source].gtid
    assert gtid is not None
    stage.stack.exec(source, split_mix.clear_command(gtid.mysql.database))
    rounds = STATEMENTS // split_mix.STATEMENTS
    stage.mark(f"{STATEMENTS} statements")
    ids = {"source": stage.plan.nodes[source].id, "replica": stage.plan.nodes[replica].id}
    node = splitters_of(stage.plan, stage.pair)[0]
    told = stage.stack.exec(node, split_mix.command(rounds=rounds, **ids))
    mix = split_mix.understood(told)
    stage.mark(f"done: {mix}")
    wrong = mix.wrong(least=LEAST)
    stage.expect(not wrong, "; ".join(wrong))
    stage.expect_with(source)


def replica_lags(stage: Stage) -> None:
    """It is read from no more, nobody fails to read, and it comes back by itself."""
    source = stage.active
    stage.gather(source)
    replica = stage.other(source)
    gtid = stage.plan.nodes[source].gtid
    assert gtid is not None
    reads = _reads(stage)
    _wait_until_from(stage, reads, replica)
    stage.mark(f"{replica} applies nothing")
    with applier_held(stage.stack, replica):
        held = time.monotonic()
        _wait_until_from(stage, reads, source)
        late = [read.invoked for read in _from(stage, reads, replica) if read.invoked > held]
        left_s = max(late, default=held) - held
        most_s = gtid.max_lag_s + LEFT_S
        stage.expect(left_s <= most_s, f"{replica} was read from for {left_s:.1f} s of {most_s:g}")
    released = time.monotonic()
    stage.mark(f"{replica} applies again; it was read from for {left_s:.1f} s")
    _wait_until_from(stage, reads, replica)
    ends = [read.ended for read in _from(stage, reads, replica) if read.invoked > released]
    back_s = min(end for end in ends if end is not None) - released
    stage.mark(f"{replica} is read from again, {back_s:.1f} s after it could go on")
    most_s = CATCH_UP_S + BACK_S
    stage.expect(back_s <= most_s, f"{replica} came back after {back_s:.1f} s of {most_s:g}")
    failed = [read for read in reads.history() if read.outcome == "failed" and read.invoked > held]
    stage.expect(not failed, f"{len(failed)} reads failed: {failed[:1]}")
    stage.expect_nobody_asked_off()
    stage.expect_with(source)


def _reads(stage: Stage) -> Recorder:
    assert stage.reads is not None
    return stage.reads


def _from(stage: Stage, reads: Recorder, node: str) -> list[Write]:
    """The good reads that a node's server answered."""
    server = str(stage.plan.nodes[node].id)
    return [read for read in acknowledged(reads.history()) if read.server == server]


def _wait_until_from(stage: Stage, reads: Recorder, node: str) -> None:
    """Wait until a node's server answers all reads that begin from now on."""
    since = time.monotonic()
    server = str(stage.plan.nodes[node].id)

    def all_of_them() -> bool:
        latest = [read for read in acknowledged(reads.history()) if read.invoked > since]
        return len(latest) >= IN_A_ROW and all(r.server == server for r in latest[-IN_A_ROW:])

    wait_until(all_of_them, what=f"{node} to be read from", timeout_s=READ_FROM_S)


DRILLS = (
    Drill(
        name="replica-lags",
        sentence="The replica falls behind: it is read from again when it has caught up.",
        run=replica_lags,
        seconds=180,
        kinds=GTID,
        is_split=True,
        reads_stall_s=READS_S,
    ),
    Drill(
        name="statements",
        sentence="10 000 statements of the application: each is executed where it belongs.",
        run=statements,
        seconds=600,
        kinds=GTID,
        is_split=True,
    ),
)
