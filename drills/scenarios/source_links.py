"""GTID pairs whose networks fail: what carries replication, the others, all, or all of one node."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from drills.drill import GTID, POWERED_OFF, Drill
from drills.faults import cut, endpoint_down
from drills.stage import MOVE_S, Stage
from drills.wait import last

BOOT_S = 400
"""A machine boots, and its reconciler has looked for its peer in vain."""
STALL_S = 5.0
"""Longest stall where replication is not touched at all."""
DEAD_TIMES = 2
"""A fault that moves nothing lasts so many dead times: whatever would move has moved by then."""
Networks = Callable[[Stage], tuple[str, ...]]


def inside(stage: Stage) -> tuple[str, ...]:
    """The network of replication, by which both nodes ask each other."""
    assert stage.subject.gtid is not None
    return (stage.subject.gtid.network,)


def outside(stage: Stage) -> tuple[str, ...]:
    """All others that both nodes share."""
    return tuple(name for name in stage.links if name not in inside(stage))


def both(stage: Stage) -> tuple[str, ...]:
    """Every one."""
    return stage.links


def partition(stage: Stage, *, networks: Networks) -> None:
    """Replication is cut, among others or alone: the source has its replica powered off and goes on
    where it is. The loser, started while they are still cut, stays passive."""
    stage.spread()
    stays = stage.active
    shot = stage.other(stays)
    stage.must_fence = {shot}
    cut_off = networks(stage)
    stage.mark(f"{' and '.join(cut_off)} cut")
    with cut(stage.stack.netns, stage.plans(stays), cut_off):
        found = stage.wait_until_off(*stage.nodes)
        stage.expect(found == shot, f"{found} was powered off, though {stays} is the source")
        stage.writes_go_on()
        stage.stack.start(shot)
        stage.mark(f"{shot} started, still cut off")
        stage.wait_for_problem(f"{shot} stays passive", timeout_s=BOOT_S)
        last(stage.subject.dead_s)
        stage.writes_go_on()
        off = stage.powered_off()
        stage.expect(off == [shot], f"powered off: {off}")
        stage.expect_with(stays)
    stage.mark("links whole")
    stage.wait_until_steady(timeout_s=2 * MOVE_S)
    stage.expect_with(stays)


def partition_outside(stage: Stage) -> None:
    """Only adverts are lost, and pages between both nodes: nothing moves, nobody is asked."""
    active = stage.active
    cut_off = outside(stage)
    stage.mark(f"{' and '.join(cut_off)} cut")
    with cut(stage.stack.netns, stage.plans(active), cut_off):
        last(DEAD_TIMES * stage.subject.dead_s)
        stage.writes_go_on()
        stage.expect_nobody_asked_off()
        stage.expect_with(active)
    stage.mark("links whole")
    stage.wait_until_steady()
    stage.expect_with(active)


def isolated(stage: Stage) -> None:
    """The source is cut off from everybody, the fence endpoint too: it writes nothing any more that
    counts, and its replica has it powered off."""
    source = stage.active
    stage.gather(source)
    left = stage.other(source)
    stage.must_fence = {source}
    stage.mark(f"{source} cut off, from the fence endpoint too")
    with (
        cut(stage.stack.netns, stage.plans(source), stage.links),
        endpoint_down(stage.stack.netns, [stage.plan.nodes[source]], stage.fence),
    ):
        stage.wait_until_off(source)
        stage.wait_until_all_at(left)
        stage.writes_go_on()
    stage.mark("links whole")
    stage.wait_until_steady_again()
    stage.expect_all_at(left)


DRILLS = (
    Drill(
        name="partition-inside",
        sentence="The network of replication is cut: the replica is powered off, the source stays.",
        run=partial(partition, networks=inside),
        seconds=420,
        kinds=GTID,
        fencing=POWERED_OFF,
    ),
    Drill(
        name="partition-outside",
        sentence="The other networks are cut between both nodes: nothing moves.",
        run=partition_outside,
        seconds=150,
        stall_s=STALL_S,
        kinds=GTID,
    ),
    Drill(
        name="source-isolated",
        sentence="The source is cut off from everybody: it is powered off, its replica goes on.",
        run=isolated,
        seconds=300,
        kinds=GTID,
        fencing=POWERED_OFF,
    ),
    Drill(
        name="partition-both",
        sentence="Every network is cut: the replica is powered off, the source stays.",
        run=partial(partition, networks=both),
        seconds=420,
        kinds=GTID,
        fencing=POWERED_OFF,
    ),
)
