"""Disks that fill up or fail below the active node."""

from __future__ import annotations

from drills.drill import Drill
from drills.faults_inside import disk_detached, filled
from drills.stage import Stage
from drills.wait import wait_until
from drills.workloads.recorder import Write

REFUSED_S = 120
"""The last block of the client's file takes some dozen writes; mysqld waits for room, and its
client gives up after 30 s."""
NAMED_S = 60
"""The monitor looks at the free space each ten seconds."""


def disk_full(stage: Stage) -> None:
    """A named problem; writes are refused and none is lost; there is room again, and they go on."""
    group = stage.disk_group
    active = stage.holder(group)
    stage.mark(f"{group.on_disk.mount_point} full on {active}")
    since = stage.marks[-1].at

    def refused() -> list[Write]:
        history = stage.writes[group.name].history()
        return [write for write in history if write.error and write.invoked >= since]

    with filled(stage.stack, active, group.on_disk.mount_point):
        what = f"a write to {group.name} that is refused"
        wait_until(refused, what=what, timeout_s=REFUSED_S, every_s=1)
        stage.wait_for_problem("nearly full", timeout_s=NAMED_S)
        stage.say(f"{len(refused())} writes were refused: {refused()[-1].error}")
    stage.mark("room again")
    stage.writes_go_on()
    stage.wait_until_steady()


def disk_lost(stage: Stage) -> None:
    """The Primary goes on with its peer's copy, and ``status`` names what is wrong."""
    group = stage.disk_group
    active = stage.holder(group)
    stage.mark(f"backing disk of {group.on_disk.resource} detached on {active}")
    with disk_detached(stage.stack, active, group.on_disk.resource):
        stage.writes_go_on()
        stage.wait_for_problem("Diskless", timeout_s=NAMED_S)
    stage.mark("backing disk attached")
    stage.wait_until_steady()
    stage.writes_go_on()


DRILLS = (
    Drill(
        name="disk-full",
        sentence="The active file system fills up: it is named, writes are refused, none is lost.",
        run=disk_full,
        seconds=200,
    ),
    Drill(
        name="disk-detached",
        sentence="The active node loses its backing disk: it serves the peer's copy, or moves.",
        run=disk_lost,
        seconds=120,
    ),
)
