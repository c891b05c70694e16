"""A machine that stands still for a while and then goes on as if nothing had happened."""

from __future__ import annotations

from functools import partial

from drills.drill import Drill
from drills.faults import frozen, start_again
from drills.stage import Stage
from drills.wait import last


def freeze(stage: Stage, *, dead_times: float, moves: bool | None) -> None:
    """Freeze the active node for so many dead times.

    Args:
        stage: the pair. dead_times: how long. moves: whether it must be powered off and its groups
            must move; None where both are right.
    """
    active = stage.active
    stage.gather(active)
    if moves is not False:
        stage.may_fence = {active}
    if moves:
        stage.must_fence = {active}
    seconds = dead_times * stage.data.heartbeat.deadtime_s
    stage.mark(f"{active} frozen for {seconds:g} s")
    with frozen(stage.stack, active):
        last(seconds)
    stage.mark(f"{active} goes on")
    stage.writes_go_on()
    if moves is False:
        stage.expect_nothing_moved()
    elif moves:
        stage.expect_at(stage.group, stage.other(active))
    start_again(stage.stack, [active])
    stage.wait_until_steady()


DRILLS = (
    Drill(
        name="freeze-half",
        sentence="The active node stands still for half the dead time: nothing moves.",
        run=partial(freeze, dead_times=0.5, moves=False),
        seconds=90,
    ),
    Drill(
        name="freeze-one",
        sentence="The active node stands still for the dead time: it goes on, or is powered off.",
        run=partial(freeze, dead_times=1.0, moves=None),
        seconds=240,
    ),
    Drill(
        name="freeze-long",
        sentence="The active node stands still for 1.5 dead times: it is powered off.",
        run=partial(freeze, dead_times=1.5, moves=True),
        seconds=240,
    ),
)
