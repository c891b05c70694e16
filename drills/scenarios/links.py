"""Links that fail: all between both nodes, only the disks', only the clients'."""

from __future__ import annotations

from drills.checkers import first_questions
from drills.drill import POWERED_OFF, Drill
from drills.faults import cut, link_down, ping_dead
from drills.scene import Mark
from drills.stage import MOVE_S, Stage
from drills.wait import last

ASKED_S = 400
"""A node that boots alone asks for a power-off after initdead, 120 s; then it is refused."""
STALL_S = 5.0
"""Longest stall when the replication link goes: DRBD gives its peer up within 2 s (ping-int and
ping-timeout), then it is asked to outdate its copies over the other link."""
SAMPLE_S = 60
"""A watcher connects again within seconds once a node answers."""
TOGETHER_S = 2.0
"""Most that the handlers of two active nodes may ask the endpoint apart: both disks give their peer
up in the same second, and the log-in of an emulated machine takes one more or less."""
DEAD_TIMES = 3
"""A fault that moves nothing lasts so many dead times: whatever would move has moved by then."""


def partition(stage: Stage) -> None:
    """Every link is cut, both ways: exactly one node is left, by the survivor's order; the other
    one, started while they are still cut, stays passive and says what it waits for."""
    stage.spread()
    survivor = min(stage.data.groups, key=lambda group: stage.data.fence.delays_s[group.name])
    stays = stage.holder(survivor)
    shot = stage.other(stays)
    both_serve = len(set(stage.placed().values())) == 2
    stage.must_fence = {shot}
    stage.mark("both links cut")
    since = stage.marks[-1]
    with cut(stage.stack.netns, stage.plans(stays), stage.links):
        found = stage.wait_until_off(*stage.nodes)
        sentence = f"{found} was powered off, though {stays} holds {survivor.name}"
        stage.expect(found == shot, sentence)
        stage.writes_go_on()
        stage.expect_all_at(stays)
        off = stage.powered_off()
        stage.expect(off == [shot], f"powered off: {off}")
        if both_serve:
            _expect_both_asked(stage, since)
        _start_the_loser(stage, shot)
    stage.mark("links whole")
    stage.wait_until_steady(timeout_s=2 * MOVE_S)


def _expect_both_asked(stage: Stage, since: Mark) -> None:
    """Both handlers have asked the endpoint, at the same time: each side froze before one won."""
    asked = first_questions(stage.fence_requests(), since=since.wall)
    stage.expect(set(asked) == set(stage.nodes), f"the endpoint was asked by {sorted(asked)} alone")
    apart = max(asked.values()) - min(asked.values())
    stage.say(f"both handlers asked within {apart:.1f} s")
    stage.expect(apart <= TOGETHER_S, f"the handlers asked {apart:.1f} s apart")


def _start_the_loser(stage: Stage, shot: str) -> None:
    """With the links still cut: it holds nothing, says why, and the survivor serves on."""
    stays = stage.other(shot)
    stage.stack.start(shot)
    stage.mark(f"{shot} started, the links still cut")
    words = f"Take-over on {shot} waits for fencing of {stays}"
    stage.wait_for_problem(words, timeout_s=ASKED_S)
    stage.writes_go_on()
    # Its last word from before the power-off says nothing.
    stage.watches[shot].wait_for_more(1, timeout_s=SAMPLE_S)
    for group in stage.data.groups:
        stage.expect(stage.held_by(group)[-1] == stays, f"{shot} took {group.name} over")
        stage.expect(stage.primaries(group) == [stays], f"{shot} is Primary for {group.name}")
    stage.expect(stage.stack.machine_state(stays) == "running", f"{stays} is off, too")


def replication_cut(stage: Stage) -> None:
    """Only the link of the disks: clients feel a short stall, and each node asks the other."""
    stage.spread()
    _cut_replication(stage)


def replication_cut_both(stage: Stage) -> None:
    """One node asks for every disk."""
    stage.gather(stage.active)
    _cut_replication(stage)


def _cut_replication(stage: Stage) -> None:
    stage.mark("replication link cut")
    with cut(stage.stack.netns, stage.plans(stage.active), (stage.replication_network,)):
        stage.writes_go_on(100)
        stage.expect_nothing_moved()
    stage.mark("replication link whole")
    stage.wait_until_steady()
    stage.expect_nothing_moved()


def client_link_cut(stage: Stage) -> None:
    """The active node is alive and no client reaches it."""
    active = stage.active
    stage.gather(active)
    stage.mark(f"client link of {active} cut")
    with link_down(stage.stack, active, stage.client_network):
        stage.writes_go_on()
        for group in stage.data.groups:
            held = stage.held_by(group)
            stage.expect(held[-1] == stage.other(active), f"group {group.name}: {held}")
    stage.mark(f"client link of {active} whole")
    stage.wait_until_steady()


def client_link_backup(stage: Stage) -> None:
    """The node that holds nothing loses its clients."""
    active = stage.active
    stage.gather(active)
    backup = stage.other(active)
    stage.mark(f"client link of {backup} cut")
    with link_down(stage.stack, backup, stage.client_network):
        last(DEAD_TIMES * stage.data.heartbeat.deadtime_s)
        stage.writes_go_on()
    stage.mark(f"client link of {backup} whole")
    stage.wait_until_steady()
    stage.expect_nothing_moved()


def ping_is_dead(stage: Stage) -> None:
    """The address that both nodes ping answers neither of them."""
    stage.mark("ping address dead for both nodes")
    nodes = stage.plans(stage.active)
    with ping_dead(stage.stack.netns, nodes, stage.client_network, stage.data.heartbeat.ping):
        last(DEAD_TIMES * stage.data.heartbeat.deadtime_s)
        stage.writes_go_on()
    stage.mark("ping address answers")
    stage.wait_until_steady()
    stage.expect_nothing_moved()


DRILLS = (
    Drill(
        name="partition",
        sentence="Every link is cut: the survivor serves; the loser, started again, stays passive.",
        run=partition,
        seconds=480,
        fencing=POWERED_OFF,
    ),
    Drill(
        name="replication-cut",
        sentence="The replication link is cut: the active side stays, after a short stall.",
        run=replication_cut,
        seconds=120,
        stall_s=STALL_S,
    ),
    Drill(
        name="replication-cut-both",
        sentence="The same with every group on one node, which outdates all of its peer's disks.",
        run=replication_cut_both,
        seconds=120,
        stall_s=STALL_S,
        least_groups=2,
    ),
    Drill(
        name="client-link-cut",
        sentence="The active node's client link is cut: groups move, and nobody is powered off.",
        run=client_link_cut,
        seconds=180,
    ),
    Drill(
        name="client-link-backup",
        sentence="The backup's client link is cut: nothing moves.",
        run=client_link_backup,
        seconds=120,
    ),
    Drill(
        name="ping-dead",
        sentence="The ping address answers neither node: nothing moves.",
        run=ping_is_dead,
        seconds=120,
    ),
)
