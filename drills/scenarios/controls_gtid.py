"""Controls of GTID pairs: they take a safety away on the machines, and give it back."""

from __future__ import annotations

from drills.drill import GTID, POWERED_OFF, Drill
from drills.faults import endpoint_down, frozen, shut_down
from drills.faults_gtid import reconciler_hasty, reconciler_unasked, semisync_gives_up
from drills.invariants import ONE_HOLDER, ONE_SOURCE
from drills.result import WRITES
from drills.scenarios.controls import BOTH_S, SAMPLE_S
from drills.scenarios.late_replica import APPLIED, READ, source_power_cut_late
from drills.scenarios.source_links import isolated
from drills.scenarios.sources import SHUT_S, VIPS_STAY, come_back_deaf
from drills.stage import OFF_S, Stage
from drills.wait import last

GIVES_UP_MS = 2000
"""The source waits so long for its replica, and then acknowledges alone (the issue's)."""


def isolated_impatient(stage: Stage) -> None:
    """What the source acknowledges alone until it is powered off is lost."""
    source = stage.active
    stage.gather(source)
    with semisync_gives_up(stage.stack, source, after_ms=GIVES_UP_MS):
        isolated(stage)


def comes_back_unasked(stage: Stage) -> None:
    """A node that comes back, hears no adverts and asks nobody takes the VIPs: its own adverts
    reach the holder, which gives way to a higher priority. What document 003's author met."""
    node = stage.active
    stage.gather(node)
    with reconciler_unasked(stage.stack, node):
        stage.mark(f"{node} shut down")
        with shut_down(stage.stack, node):
            stage.wait_until_off(node, timeout_s=SHUT_S)
            stage.wait_until_all_at(stage.other(node))
            come_back_deaf(stage, node)
    stage.wait_until_steady()


def power_cut_hasty(stage: Stage) -> None:
    """A bug that is planted: the reconciler skips the wait for the applier. Who writes first does
    not find what was acknowledged."""
    source = stage.active
    stage.gather(source)
    with reconciler_hasty(stage.stack, stage.other(source)):
        source_power_cut_late(stage)


def freeze_thaw_confirmed(stage: Stage) -> None:
    """Nobody powers the source off, and a person says wrongly that it is: it goes on as one while
    its replica is one, too."""
    source = stage.active
    stage.gather(source)
    left = stage.other(source)
    stage.may_fence = {source, left}
    with endpoint_down(stage.stack.netns, stage.plans(source), stage.fence):
        stage.mark(f"fence endpoint down, {source} frozen")
        with frozen(stage.stack, source):
            stage.wait_for_problem(stage.subject.waits(left, source), timeout_s=OFF_S)
            stage.mark(f"fence confirm {source}, which is not off")
            stage.stack.pairwise("fence", "confirm", stage.stack.name, source)
            stage.wait_until_all_at(left)
        stage.mark(f"{source} goes on")
        stage.watches[source].wait_for_more(2, timeout_s=SAMPLE_S)
        last(BOTH_S)
    stage.wait_until_steady_again()


DRILLS = (
    Drill(
        name="freeze-thaw-confirmed",
        sentence="Control: the source thaws when a person has called it off: two nodes serve.",
        run=freeze_thaw_confirmed,
        seconds=300,
        kinds=GTID,
        fencing=POWERED_OFF,
        breaks=(ONE_SOURCE,),
    ),
    Drill(
        name="source-isolated-impatient",
        sentence="Control: the same where a source waits 2 s for its replica: rows are lost.",
        run=isolated_impatient,
        seconds=300,
        kinds=GTID,
        fencing=POWERED_OFF,
        breaks=(WRITES,),
    ),
    Drill(
        name="source-power-cut-hasty",
        sentence="Control: the same where the replica is opened at once: rows are not found.",
        run=power_cut_hasty,
        seconds=330,
        kinds=GTID,
        fencing=POWERED_OFF,
        breaks=(APPLIED, READ),
    ),
    Drill(
        name="sequence-unasked",
        sentence="Control: a node comes back deaf, at once and unasked: it takes the VIPs.",
        run=comes_back_unasked,
        seconds=400,
        kinds=GTID,
        breaks=(ONE_HOLDER, VIPS_STAY),
    ),
)
