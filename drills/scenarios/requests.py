"""A take-over whose request gets lost within Heartbeat, which then believes that it was done."""

from __future__ import annotations

from drills.drill import POWERED_OFF, Drill
from drills.faults import power_cut
from drills.faults_inside import request_lost, requests_seen
from drills.stage import Stage
from stacks.plan_data_types import ServiceGroup

REPAIR_S = 10.0
"""From the loss to the monitor's own request: three seconds in which Heartbeat has to be at rest
and the group nowhere, and a look or two. How long the take-over then takes is not its doing."""
MONITOR = "pairwise-monitor"
"""Its unit."""
DOES = ("does: Takeover(", "does: Request(")
"""What it says when it asks Heartbeat for a group, of a peer that lives or of itself."""


def take_over_lost(stage: Stage) -> None:
    """In an orderly move: the peer has given the group up, and nobody has it."""
    group = stage.disk_group
    target = stage.other(stage.holder(group))
    stage.mark(f"take-over of {group.name} by {target}, whose request gets lost")
    with request_lost(stage.stack, target, group):
        stage.switch(target, group.name)
        _expect_repair(stage, target, group)
    stage.expect_at(group, target)
    stage.writes_go_on()
    stage.wait_until_steady()


def take_over_lost_alone(stage: Stage) -> None:
    """After a power cut, as it was once seen: the peer is off and cannot be asked."""
    stage.spread()
    group = stage.disk_group
    dead = stage.holder(group)
    left = stage.other(dead)
    stage.must_fence = {dead}
    with request_lost(stage.stack, left, group):
        stage.mark(f"power of {dead} cut, the request for {group.name} gets lost")
        with power_cut(stage.stack, dead):
            stage.writes_go_on()
            stage.expect_at(group, left)
            _expect_repair(stage, left, group)
    stage.wait_until_steady()
    stage.writes_go_on()


def _expect_repair(stage: Stage, node: str, group: ServiceGroup) -> None:
    """One request got lost, and the monitor has asked again in time."""
    seen = requests_seen(stage.stack, node)
    lost, passed = seen.get("lost"), seen.get("passed")
    stage.expect(lost is not None, f"no request for {group.name} got lost on {node}")
    stage.expect(passed is not None, f"{group.name} came to {node} without a second request")
    assert lost is not None and passed is not None
    asked = [at for at in _asked(stage, node, since=lost) if at <= passed]
    stage.expect(bool(asked), f"somebody else than the monitor of {node} asked for {group.name}")
    took = asked[0] - lost
    stage.say(f"asked for again after {took:.1f} s, heard by Heartbeat after {passed - lost:.1f} s")
    stage.expect(took <= REPAIR_S, f"the monitor of {node} asked again only after {took:.1f} s")


def _asked(stage: Stage, node: str, *, since: float) -> list[float]:
    """When the monitor of a node has asked Heartbeat for a group, by the node's clock."""
    command = f"journalctl -q --no-pager -o short-unix -u {MONITOR} --since @{int(since)}"
    lines = stage.stack.exec(node, command).splitlines()
    times = [float(line.split()[0]) for line in lines if any(word in line for word in DOES)]
    return [at for at in times if at > since]


DRILLS = (
    Drill(
        name="take-over-lost",
        sentence="The request of a planned take-over gets lost: the monitor asks again in 10 s.",
        run=take_over_lost,
        seconds=200,
    ),
    Drill(
        name="take-over-lost-alone",
        sentence="The request of a take-over from a dead node gets lost: the monitor asks again.",
        run=take_over_lost_alone,
        seconds=300,
        fencing=POWERED_OFF,
    ),
)
