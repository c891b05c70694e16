"""What disturbs a pair and is no failure: bad links, a clock that jumps, a watcher that dies, a
resync that is cut off. Nothing moves. A path that fails one way alone is one: somebody goes."""

from __future__ import annotations

from bootstrap.facts.drbd import process
from drills.drill import BOTH, POWERED_OFF, Drill
from drills.faults import cut, link_down, power_cut
from drills.faults_inside import clock_stepped, slowed
from drills.stage import MOVE_S, Stage
from drills.wait import last, wait_until

DEAD_TIMES = 3
"""What moves nothing lasts so many dead times: whatever would move has moved by then."""
DELAY_MS, LOSS_PERCENT = 20, 1.0
"""What a bad path between two sites does; DRBD gives a peer up that is silent for half a second."""
STEP_S = 3600
"""A clock that was an hour behind and is set right, as after a switch of its zone."""
FLAPS, DOWN_S, UP_S = 6, 2.0, 4.0
"""A plug that is loose: gone for less than the dead time, again and again."""
RESYNC_S = 60
"""A copy that was thrown away is asked for at once."""


def one_way(stage: Stage) -> None:
    """What the active node sends does not arrive: its peer hears nothing and it hears its peer."""
    active = stage.active
    stage.gather(active)
    # Each has a reason to have the other one powered off; the endpoint serves the first that asks.
    stage.may_fence = set(stage.nodes)
    stage.mark(f"what {active} sends to its peer is lost")
    with cut(stage.stack.netns, stage.plans(active), stage.links, both_ways=False):
        gone = stage.wait_until_off(*stage.nodes)
        stage.mark(f"{gone} is off")
        stage.wait_until_all_at(stage.other(gone))
        stage.writes_go_on()
        off = stage.powered_off()
        stage.expect(off == [gone], f"powered off: {off}")
    stage.mark("everything arrives")
    stage.wait_until_steady_again(timeout_s=2 * MOVE_S)
    stage.expect_all_at(stage.other(gone))


def slow_replication(stage: Stage) -> None:
    """Both nodes' cards on the replication network are slow and lose packets."""
    stage.spread()
    stage.mark(f"replication link: {DELAY_MS} ms each way, {LOSS_PERCENT:g} % lost")
    name = stage.replication_network
    with slowed(stage.stack, stage.nodes, name, delay_ms=DELAY_MS, loss_percent=LOSS_PERCENT):
        last(DEAD_TIMES * stage.subject.dead_s)
        stage.writes_go_on()
    stage.mark("replication link as before")
    _nothing_moved(stage)


def flapping(stage: Stage) -> None:
    """The active node's plug in the clients' network is loose."""
    active = stage.active
    stage.gather(active)
    stage.mark(f"client link of {active} flaps, {FLAPS} times")
    for _ in range(FLAPS):
        with link_down(stage.stack, active, stage.client_network):
            last(DOWN_S)
        last(UP_S)
    stage.mark("client link whole")
    _nothing_moved(stage)


def clock_jumps(stage: Stage) -> None:
    """The active node's clock is set forward by an hour, and back."""
    active = stage.active
    stage.mark(f"clock of {active} set forward by {STEP_S} s")
    with clock_stepped(stage.stack, active, seconds=STEP_S):
        last(DEAD_TIMES * stage.subject.dead_s)
        stage.writes_go_on()
    stage.mark("clock set back")
    _nothing_moved(stage)


def watcher_dies(stage: Stage) -> None:
    """What looks after the groups is killed where they are."""
    active = stage.active
    unit = "pairwise-monitor" if stage.subject.gtid is None else "pairwise-gtid"
    stage.mark(f"{unit} killed on {active}")
    stage.stack.exec(active, f"systemctl kill --signal=KILL {unit}")
    last(DEAD_TIMES * stage.subject.dead_s)
    stage.writes_go_on()
    stage.stack.exec(active, f"systemctl is-active --quiet {unit}")
    _nothing_moved(stage)


def resync_cut_off(stage: Stage) -> None:
    """The backup throws its copy away and loses its power while it gets a new one."""
    active, group = stage.active, stage.disk_group
    stage.gather(active)
    backup = stage.other(active)
    resource = group.on_disk.resource

    def syncs() -> bool:
        lines = stage.stack.exec(backup, "cat /proc/drbd").splitlines()
        return any(state.syncing for state in process(lines).values())

    stage.stack.exec(backup, f"drbdadm invalidate {resource}")
    wait_until(syncs, what=f"{backup} to copy {resource}", timeout_s=RESYNC_S, every_s=0)
    # Heartbeat has it powered off unless it has heard that it had given everything up.
    stage.may_fence = {backup}
    stage.mark(f"power of {backup} cut in a resync")
    with power_cut(stage.stack, backup):
        stage.writes_go_on()
        # One that is started before its peer counts it as dead may be powered off while it boots.
        last(DEAD_TIMES * stage.subject.dead_s)
    stage.mark(f"{backup} started again")
    stage.wait_until_steady()
    stage.expect_nothing_moved()


def _nothing_moved(stage: Stage) -> None:
    stage.wait_until_steady()
    stage.expect_nothing_moved()
    stage.expect_nobody_asked_off()


DRILLS = (
    Drill(
        name="partition-one-way",
        sentence="What the active node sends is lost: one of both is powered off, one serves.",
        run=one_way,
        seconds=240,
        fencing=POWERED_OFF,
    ),
    Drill(
        name="replication-slow",
        sentence="The replication link delays and loses packets: nothing moves.",
        run=slow_replication,
        seconds=120,
    ),
    Drill(
        name="client-link-flaps",
        sentence="The active node's client link comes and goes: nothing moves.",
        run=flapping,
        seconds=150,
    ),
    Drill(
        name="clock-step",
        sentence="The active node's clock jumps by an hour, there and back: nothing moves.",
        run=clock_jumps,
        seconds=120,
        kinds=BOTH,
    ),
    Drill(
        name="kill-monitor",
        sentence="What watches over the active node's groups is killed: nothing moves.",
        run=watcher_dies,
        seconds=120,
        kinds=BOTH,
    ),
    Drill(
        name="resync-cut-off",
        sentence="The backup loses its power in the middle of a resync: it begins anew and ends.",
        run=resync_cut_off,
        seconds=180,
        fencing=POWERED_OFF,
    ),
)
