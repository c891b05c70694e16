"""A machine that stands still for a while and then goes on as if nothing had happened."""

from __future__ import annotations

from functools import partial

from drills.drill import BOTH, POWERED_OFF, Drill
from drills.faults import frozen, power_off_held
from drills.stage import OFF_S, Stage
from drills.wait import last

ANSWER_S = 10
"""What a question to the endpoint may take (block fencing)."""
THAWED_DEAD_TIMES = 2
"""For so many dead times the node that goes on may write what will be lost, if it can."""


def freeze(stage: Stage, *, dead_times: float, moves: bool | None) -> None:
    """Freeze the active node for so many dead times.

    Args:
        stage: the pair. dead_times: how long. moves: whether it must be powered off and its groups
            must move, for which it stands still while the other one hesitates, too; None where both
            are right.
    """
    active = stage.active
    stage.gather(active)
    if moves is not False:
        stage.may_fence = {active}
    if moves:
        stage.must_fence = {active}
    seconds = dead_times * (stage.subject.off_s if moves else stage.subject.dead_s)
    stage.mark(f"{active} frozen for {seconds:g} s")
    with frozen(stage.stack, active):
        last(seconds)
    stage.mark(f"{active} goes on")
    if moves is None:
        # Who has asked for its power-off before it went on hesitates, and then gets it.
        last(max(stage.fence.delays_s.values()) + ANSWER_S)
    elif moves:
        stage.wait_until_off(active)
        stage.wait_until_all_at(stage.other(active))
    stage.wait_until_steady_again()
    stage.writes_go_on()
    if moves is False:
        stage.expect_nothing_moved()


def freeze_thaw(stage: Stage) -> None:
    """The active node goes on as if nothing had happened while its power-off is under way, which is
    held back until after that. Whatever it acknowledges meanwhile is kept."""
    active = stage.active
    stage.gather(active)
    left = stage.other(active)
    stage.may_fence = {active, left}
    with power_off_held(stage.stack, stage.pair):
        stage.mark(f"{active} frozen, power-offs held back")
        with frozen(stage.stack, active):
            stage.wait_for_problem(stage.subject.waits(left, active), timeout_s=OFF_S)
            stage.expect_nobody_took_over(active)
        stage.mark(f"{active} goes on")
        last(THAWED_DEAD_TIMES * stage.subject.dead_s)
    stage.mark("power-offs carried out")
    last(ANSWER_S)
    off = stage.powered_off()
    stage.expect(len(off) <= 1, f"both nodes were powered off: {off}")
    stage.say(f"powered off: {' and '.join(off) or 'nobody'}")
    stage.wait_until_steady_again()
    stage.writes_go_on()


DRILLS = (
    Drill(
        name="freeze-half",
        sentence="The active node stands still for half the dead time: nothing moves.",
        run=partial(freeze, dead_times=0.5, moves=False),
        kinds=BOTH,
        seconds=90,
    ),
    Drill(
        name="freeze-one",
        sentence="The active node stands still for the dead time: it goes on, or is powered off.",
        run=partial(freeze, dead_times=1.0, moves=None),
        kinds=BOTH,
        seconds=240,
        fencing=POWERED_OFF,
    ),
    Drill(
        name="freeze-back",
        sentence="The active node goes on while its peer hesitates: nobody is powered off.",
        run=partial(freeze, dead_times=1.5, moves=False),
        seconds=150,
        fencing=POWERED_OFF,
    ),
    Drill(
        name="freeze-long",
        sentence="The active node stands still 1.5 x as long as is waited: it is powered off.",
        run=partial(freeze, dead_times=1.5, moves=True),
        kinds=BOTH,
        seconds=300,
        fencing=POWERED_OFF,
    ),
    Drill(
        name="freeze-thaw",
        sentence="The active node thaws before its power-off, which is held back: nothing is lost.",
        run=freeze_thaw,
        kinds=BOTH,
        seconds=360,
        fencing=POWERED_OFF,
    ),
)
