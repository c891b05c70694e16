"""A group that fails on both nodes: it stays where it is with a named problem, and comes back."""

from __future__ import annotations

from functools import partial

from drills.drill import Drill
from drills.faults_inside import DIES, REFUSES, unit_broken
from drills.stage import Stage
from drills.wait import last

NAMED_S = 600
"""Three starts on each node and two hand-overs of up to a minute each, under emulation."""
STAYS_S = 90
"""So long it must stay once it is said to: two of the monitor's further tries, one a minute."""
MOST_HOLDERS = 3
"""Handed over, handed back, and no further."""
CAME_BACK = "came back within"
"""Of what a monitor says that will not hand a group over once more for now."""


def fails_on_both(stage: Stage, *, how: str) -> None:
    """A daemon that no node can run.

    Args:
        stage: the pair. how: what is wrong with its unit.
    """
    stage.spread()
    group = stage.disk_group
    others = [item for item in stage.data.groups if item != group]
    unit = group.units[0]
    active = stage.holder(group)
    stage.mark(f"{unit} broken on both nodes, stopped on {active}")
    with unit_broken(stage.stack, stage.nodes, unit, how):
        stage.stack.exec(active, f"systemctl stop {unit}")
        said = stage.wait_for_problem(CAME_BACK, timeout_s=NAMED_S)
        stage.say(said)
        before = stage.held_by(group)
        last(STAYS_S)
        after = stage.held_by(group)
        stage.expect(before == after, f"group {group.name} moved on: {' -> '.join(after)}")
        sentence = f"group {group.name} went back and forth: {' -> '.join(after)}"
        stage.expect(len(after) <= MOST_HOLDERS, sentence)
        for other in others:
            held = stage.held_by(other)
            stage.expect(len(held) == 1, f"group {other.name} moved as well: {' -> '.join(held)}")
    stage.mark(f"{unit} mended")
    stage.wait_until_steady()
    stage.writes_go_on()
    stage.expect_nobody_asked_off()


DRILLS = (
    Drill(
        name="dies-on-both",
        sentence="A daemon dies right after each start, on both nodes: its group ends up staying.",
        run=partial(fails_on_both, how=DIES),
        seconds=600,
    ),
    Drill(
        name="refused-on-both",
        sentence="A daemon cannot be started on either node: its group ends up staying.",
        run=partial(fails_on_both, how=REFUSES),
        seconds=600,
    ),
)
