"""A pair whose hypervisor has no time for it."""

from __future__ import annotations

import time

from drills.drill import Drill
from drills.faults import cores_busy
from drills.stage import Stage
from drills.wait import last

LOOK_S = 60
"""A move is seen within so long; the drill need not go on then."""
SPARE_S = 120
"""The processes end by themselves after this much more."""


def saturated(stage: Stage) -> None:
    """Every processor is kept busy: nobody is powered off, nor asked for, and nothing moves."""
    seconds = stage.lasts_s
    stage.mark(f"every processor busy for {seconds:g} s")
    ends = time.monotonic() + seconds
    with cores_busy(seconds + SPARE_S) as processes:
        while (left := ends - time.monotonic()) > 0:
            last(min(left, LOOK_S))
            stage.expect_nothing_moved()
        ended = [process for process in processes if process.poll() is not None]
        stage.expect(not ended, f"{len(ended)} of the busy processes had ended by themselves")
        stage.writes_go_on()
    stage.mark("the processors are free")
    stage.expect_nothing_moved()
    stage.expect_nobody_asked_off()


DRILLS = (
    Drill(
        name="saturated",
        sentence="Every processor of the hypervisor is busy: nobody is fenced, nothing moves.",
        run=saturated,
        seconds=3780,
        lasts_s=3600,
    ),
)
