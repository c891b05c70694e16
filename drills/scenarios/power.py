"""Power cuts: of the active node, with one group or both on it, and of both nodes in turn."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from drills.drill import HALF, POWERED_OFF, Drill
from drills.faults import endpoint_down, power_cut
from drills.stage import MOVE_S, Stage
from drills.subject import Subject

WAIT_S = 120
"""Heartbeat's dead time and its first request for a power-off, on a busy machine."""
TAKE_OVER_S = 30.0
"""Fencing, promotion, mount, start of a daemon and the VIP: 12 to 15 s where nothing is beside."""
BOOT_ALONE_S = 400
"""A node that boots alone asks for a power-off after initdead, 120 s, and is refused."""


def power_cut_active(stage: Stage) -> None:
    """One group on each node where there are two."""
    stage.spread()
    stage.must_fence = {stage.active}
    cut_the_active_one(stage, stage.expect_all_at)


def power_cut_both(stage: Stage) -> None:
    """Both groups on the node that dies."""
    stage.gather(stage.active)
    stage.must_fence = {stage.active}
    cut_the_active_one(stage, stage.expect_all_at)


def cut_the_active_one(stage: Stage, arrived: Callable[[str], None]) -> None:
    """The active node loses its power and comes back: what it had is and stays with its peer.

    Args:
        stage: the pair. arrived: says, while it is off, that all of it is with that node.
    """
    dead = stage.active
    left = stage.other(dead)
    stage.mark(f"power of {dead} cut")
    with power_cut(stage.stack, dead):
        stage.writes_go_on()
        arrived(left)
    stage.mark(f"{dead} started again")
    stage.wait_until_steady()
    stage.expect_all_at(left)


def endpoint_is_down(stage: Stage) -> None:
    """Nothing is taken over until a person has seen the machine dead."""
    dead = stage.active
    stage.gather(dead)
    left = stage.other(dead)
    nodes = stage.plans(dead)
    # Once the endpoint answers again it may be asked about the machine that is off.
    stage.may_fence = {dead}
    with endpoint_down(stage.stack.netns, nodes, stage.data.fence):
        stage.mark(f"fence endpoint down, power of {dead} cut")
        with power_cut(stage.stack, dead):
            said = stage.wait_for_problem(f"waits for fencing of {dead}", timeout_s=WAIT_S)
            command = f"pairwise fence confirm {stage.stack.name} {dead}"
            stage.expect(command in said, f"`status` does not name {command!r}: {said}")
            stage.expect_nobody_took_over(dead)
            stage.mark(f"fence confirm {dead}")
            stage.stack.pairwise("fence", "confirm", stage.stack.name, dead)
            stage.writes_go_on()
            stage.expect_at(stage.group, left)


def both_off_stale_first(stage: Stage) -> None:
    """The node that has not seen the last writes is started first: it stays passive."""
    newer = stage.active
    stage.gather(newer)
    stale = stage.other(newer)
    stage.must_fence = {stale}
    with stale_alone(stage, stale):
        said = stage.wait_for_problem(f"Take-over on {stale} waits", timeout_s=BOOT_ALONE_S)
        stage.expect("--peer-is-dead" in said, f"what may be lost is not said: {said}")
        # That the newer one is off is true, and no reason to serve without what it wrote last.
        words = ("fence", "confirm", stage.stack.name, newer)
        refused = stage.stack.pairwise(*words, check=False).returncode != 0
        stage.expect(
            refused, f"{stale} took it that {newer} is off for its copy being the newer one"
        )
        stage.expect_nobody_took_over(newer)


@contextmanager
def stale_alone(stage: Stage, stale: str) -> Iterator[None]:
    """Both nodes lose their power, one after the other with writes between them, and the stale one
    is started alone; at the end the other one is, and the pair is whole again."""
    newer = stage.other(stale)
    stage.mark(f"power of {stale} cut")
    with power_cut(stage.stack, stale):
        stage.writes_go_on()
        stage.mark(f"power of {newer} cut, too")
        with power_cut(stage.stack, newer):
            stage.stack.start(stale)
            stage.mark(f"{stale} started, alone")
            yield
        stage.mark(f"{newer} started")
    stage.wait_until_steady(timeout_s=2 * MOVE_S)
    stage.writes_go_on()


def taken_over_s(subject: Subject) -> float:
    """Within this time of silence a group is served again: more than twice what emulated machines
    took, so that a take-over that hangs is no pass."""
    return subject.dead_s + TAKE_OVER_S


DRILLS = (
    Drill(
        name="power-cut",
        sentence="The active node loses its power: the peer takes over, and nothing fails back.",
        run=power_cut_active,
        seconds=240,
        stall_s=taken_over_s,
        most=HALF,
        fencing=POWERED_OFF,
    ),
    Drill(
        name="power-cut-both",
        sentence="A node that holds both groups loses its power: the peer takes both over.",
        run=power_cut_both,
        seconds=270,
        most=HALF,
        fencing=POWERED_OFF,
        least_groups=2,
    ),
    Drill(
        name="endpoint-down",
        sentence="Power cut with the fence endpoint down: nobody takes over until `fence confirm`.",
        run=endpoint_is_down,
        seconds=300,
        fencing=POWERED_OFF,
    ),
    Drill(
        name="both-off-stale-first",
        sentence="Both nodes die in turn, the stale one is started first: it stays passive.",
        run=both_off_stale_first,
        seconds=600,
        fencing=POWERED_OFF,
    ),
)
