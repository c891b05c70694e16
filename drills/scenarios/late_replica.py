"""A source that dies while its replica has received more than it has applied."""

from __future__ import annotations

from contextlib import ExitStack

from drills.drill import GTID, POWERED_OFF, Drill
from drills.faults import power_cut
from drills.faults_inside import applier_held
from drills.stage import Stage
from drills.wait import last
from drills.workloads.recorder import acknowledged

BACKLOG = 50
"""Rows that the replica has received and not applied: ten seconds of them."""
HELD_S = 25.0
"""For which it applies nothing after the cut: the endpoint has long said by then that the source is
off, and nothing else would keep it from being opened."""
APPLIED = "opened when all is applied"
READ = "acknowledged rows are read at once"
"""What this scenario watches beside what every drill does."""


def source_power_cut_late(stage: Stage) -> None:
    """The replica is opened when it has applied what it received, and not before: whoever writes
    there first finds every row that was acknowledged."""
    source = stage.active
    stage.gather(source)
    left = stage.other(source)
    # Who is found off need not be powered off.
    stage.may_fence = {source}
    with ExitStack() as off:
        with applier_held(stage.stack, left):
            stage.mark(f"{left} applies nothing")
            stage.writes_go_on(BACKLOG)
            stage.mark(f"power of {source} cut")
            cut = stage.marks[-1].at
            off.enter_context(power_cut(stage.stack, source))
            last(HELD_S)
            _expect_closed(stage, left, since=cut)
        stage.mark(f"{left} applies again")
        stage.writes_go_on()
        stage.wait_until_all_at(left)
    stage.mark(f"{source} started again")
    stage.wait_until_steady()
    stage.expect_all_at(left)
    _expect_read(stage, cut=cut)


def _expect_closed(stage: Stage, node: str, *, since: float) -> None:
    """The node's server has taken no writes since an instant."""
    seen = [s for s in stage.watches[node].samples() if s.at > since]
    stage.expect(bool(seen), f"nothing was seen of {node} since the cut")
    opened = [s.at - since for s in seen if s.writable is True]
    stage.keep(APPLIED, not opened, f"{node} took writes {min(opened, default=0):.1f} s after it")


def _expect_read(stage: Stage, *, cut: float) -> None:
    """Every look at the rows since the power cut has found those that were acknowledged before."""
    for name, writes in stage.writes.items():
        history = acknowledged(writes.history())
        before = sum(write.ended is not None and write.ended < cut for write in history)
        looks = [w.rows for w in history if w.invoked > cut and w.rows is not None]
        stage.expect(bool(looks), f"no client of {name} has looked how many rows there are")
        least = min(looks)
        stage.keep(READ, least > before, f"{least} rows were there, {before} acknowledged before")


DRILLS = (
    Drill(
        name="source-power-cut-late",
        sentence="The source's power is cut, its replica is late: it is opened when it has all.",
        run=source_power_cut_late,
        seconds=300,
        kinds=GTID,
        fencing=POWERED_OFF,
    ),
)
