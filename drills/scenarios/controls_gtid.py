"""Controls of GTID pairs: they take a safety away on the machines, and give it back."""

from __future__ import annotations

from functools import partial

from drills.drill import GTID, POWERED_OFF, Drill
from drills.faults import shut_down
from drills.faults_inside import reconciler_unasked, semisync_gives_up
from drills.scenarios.source_links import isolated
from drills.scenarios.sources import SHUT_S, started_deaf
from drills.stage import Stage
from drills.wait import wait_until

GIVES_UP_MS = 2000
"""The source waits so long for its replica, and then acknowledges alone (the issue's)."""
DOUBLE_S = 120
"""Until what the returning node serves has been checked on a machine that boots: nothing was held
twice within the 15 s of `sequence` (seen once, under emulation)."""


def isolated_impatient(stage: Stage) -> None:
    """What the source acknowledges alone until it is powered off is lost."""
    source = stage.active
    stage.gather(source)
    with semisync_gives_up(stage.stack, source, after_ms=GIVES_UP_MS):
        isolated(stage)


def comes_back_unasked(stage: Stage) -> None:
    """A node that comes back, hears no adverts and asks nobody takes the VIPs as well."""
    node = stage.active
    stage.gather(node)
    stack = stage.stack
    with reconciler_unasked(stack, node):
        stage.mark(f"{node} shut down")
        with shut_down(stack, node):
            stage.wait_until_off(node, timeout_s=SHUT_S)
            stage.wait_until_all_at(stage.other(node))
            with started_deaf(stage, node):
                what = "two holders of a VIP"
                wait_until(partial(_is_double, stage), what=what, timeout_s=DOUBLE_S, every_s=1)
    stage.wait_until_steady()


def _is_double(stage: Stage) -> bool:
    begun = stage.marks[-1].wall
    return any(len(s["macs"]) > 1 for s in stage.arp.peek() if s["at"] >= begun)


DRILLS = (
    Drill(
        name="source-isolated-impatient",
        sentence="Control: the same where a source waits 2 s for its replica: rows are lost.",
        run=isolated_impatient,
        seconds=300,
        kinds=GTID,
        fencing=POWERED_OFF,
        is_control=True,
    ),
    Drill(
        name="sequence-unasked",
        sentence="Control: a node comes back deaf, at once and unasked: two hold the VIPs.",
        run=comes_back_unasked,
        seconds=400,
        kinds=GTID,
        is_control=True,
    ),
)
