"""Controls: the same faults on pairs without the safety that they are drilled for.

Each has to break something, or the drill whose control it is proves nothing. Afterwards both nodes
have written alone, and one copy of each disk is thrown away: that of the node that does not serve.
"""

from __future__ import annotations

from functools import partial

from drills.drill import DOPD_ALONE, UNFENCED, Drill
from drills.faults import cut, frozen
from drills.invariants import ONE_MYSQLD, ONE_PRIMARY
from drills.result import WRITES
from drills.stage import MOVE_S, STEADY_S, Stage
from drills.wait import last, wait_until
from stacks.plan_data_types import ServiceGroup

BOTH_S = 10
"""Two nodes serve for so long: the watchers look once a second, clients write five times."""
TWICE = (ONE_PRIMARY, ONE_MYSQLD, WRITES)
"""What breaks where two nodes serve: each of it alone is reason enough to power one off."""
SAMPLE_S = 60
"""A node that goes on says so to its watcher at once."""


def partition_unsafe(stage: Stage) -> None:
    """Each node counts the other one as dead and takes its group."""
    stage.spread()
    stage.mark("both links cut")
    with cut(stage.stack.netns, stage.plans(stage.active), stage.links):
        for group in stage.data.groups:
            what = f"two Primaries of {group.on_disk.resource}"
            wait_until(partial(_is_double, stage, group), what=what, timeout_s=MOVE_S, every_s=1)
        stage.mark("both nodes are Primary")
        last(BOTH_S)
    stage.mark("links whole")
    _mend(stage)


def _is_double(stage: Stage, group: ServiceGroup) -> bool:
    return len(stage.primaries(group)) == 2


def freeze_thaw_unfenced(stage: Stage) -> None:
    """The active node goes on when its groups have been taken over."""
    active = stage.active
    stage.gather(active)
    left = stage.other(active)
    stage.mark(f"{active} frozen")
    with frozen(stage.stack, active):
        stage.wait_until_all_at(left)
    stage.mark(f"{active} goes on")
    stage.watches[active].wait_for_more(2, timeout_s=SAMPLE_S)
    last(BOTH_S)
    _mend(stage)


def _mend(stage: Stage) -> None:
    """Wait until the pair is whole, and heal each split brain at the cost of the idle node."""

    def whole() -> bool:
        for group in stage.data.groups:
            holder = stage.holder_now(group)
            if holder is not None:
                # Refused where there is no split brain, or not yet.
                words = ("heal", stage.stack.name, stage.other(holder), "--group", group.name)
                stage.stack.pairwise(*words, "--yes", check=False)
        return bool(stage.stack.status()["healthy"])

    what = "a whole pair with its split brains healed"
    wait_until(whole, what=what, timeout_s=2 * STEADY_S, every_s=8)


DRILLS = (
    Drill(
        name="partition-dopd",
        sentence="Control: every link is cut where dopd alone fences: two nodes serve at once.",
        run=partition_unsafe,
        seconds=420,
        fencing=DOPD_ALONE,
        breaks=TWICE,
    ),
    Drill(
        name="partition-unfenced",
        sentence="Control: every link is cut where nothing fences: two nodes serve at once.",
        run=partition_unsafe,
        seconds=420,
        fencing=UNFENCED,
        breaks=TWICE,
    ),
    Drill(
        name="freeze-thaw-unfenced",
        sentence="Control: the active node thaws after its groups were taken over, unfenced.",
        run=freeze_thaw_unfenced,
        seconds=420,
        fencing=UNFENCED,
        breaks=TWICE,
    ),
)
