"""Disks that fill up or fail below the active node."""

from __future__ import annotations

from drills.drill import Drill
from drills.faults_inside import disk_detached, filled
from drills.stage import Stage
from drills.wait import last

FULL_S = 15
"""The disk stays full for so long: some seventy writes find it so."""


def disk_full(stage: Stage) -> None:
    """Writes are refused and none is lost; there is room again, and they go on."""
    group = stage.group
    active = stage.holder(group)
    stage.mark(f"{group.mount_point} full on {active}")
    with filled(stage.stack, active, group.mount_point):
        last(FULL_S)
        refused = [w for w in stage.writes[group.name].history() if w.error]
        stage.say(f"{len(refused)} writes were refused: {refused[-1].error if refused else '-'}")
    stage.mark("room again")
    stage.writes_go_on()
    stage.wait_until_steady()


def disk_lost(stage: Stage) -> None:
    """The Primary goes on with its peer's copy, and ``status`` names what is wrong."""
    group = stage.group
    active = stage.holder(group)
    stage.mark(f"backing disk of {group.resource} detached on {active}")
    with disk_detached(stage.stack, active, group.resource):
        stage.writes_go_on()
        stage.wait_for_problem("Diskless", timeout_s=60)
    stage.mark("backing disk attached")
    stage.wait_until_steady()
    stage.writes_go_on()


DRILLS = (
    Drill(
        name="disk-full",
        sentence="The active file system fills up: writes are refused, none is lost; they go on.",
        run=disk_full,
        seconds=90,
    ),
    Drill(
        name="disk-detached",
        sentence="The active node loses its backing disk: it serves the peer's copy, or moves.",
        run=disk_lost,
        seconds=120,
    ),
)
