"""VIPs under keepalived with no data behind them: balancers, and directors without Heartbeat."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from drills.drill import HALF, VRRP, Drill
from drills.faults import cut, frozen, link_down, power_cut
from drills.faults_inside import killed, service_stopped
from drills.stage import ENOUGH, MOVE_S, Stage
from drills.subject import Subject
from drills.wait import last
from stacks.model import VrrpMode

SLACK_S = 3.0
"""For the first connection after it: a client asks once more after one or two seconds."""

DEAD_TIMES = 2
"""A fault that lasts for so many times the protocol's own bound has had its effect."""


def vip_power_cut(stage: Stage) -> None:
    """The holder of the first VIP loses its power and comes back."""
    dead, left = _first(stage)
    stage.mark(f"power of {dead} cut")
    with power_cut(stage.stack, dead):
        stage.wait_until_all_at(left)
        _serves(stage)
    stage.mark(f"{dead} started again")
    _settles(stage, left)


def vip_service_stop(stage: Stage) -> None:
    """keepalived is stopped on the holder, and started again."""
    stopped, left = _first(stage)
    stage.mark(f"keepalived stopped on {stopped}")
    with service_stopped(stage.stack, stopped, "keepalived"):
        stage.wait_until_all_at(left)
        _serves(stage)
    stage.mark(f"keepalived started on {stopped}")
    _settles(stage, left)


def vip_kill_keepalived(stage: Stage) -> None:
    """Every process of keepalived dies at once on the holder; systemd starts it again."""
    node, left = _first(stage)
    stage.mark(f"keepalived killed on {node}")
    killed(stage.stack, node, "keepalived")
    stage.wait_until_at(stage.group, left)
    _serves(stage)
    _settles(stage, left)


def vip_freeze(stage: Stage) -> None:
    """The holder stands still, and goes on as if nothing had happened."""
    node, left = _first(stage)
    stage.mark(f"{node} frozen")
    with frozen(stage.stack, node):
        stage.wait_until_all_at(left)
        _serves(stage)
    stage.mark(f"{node} goes on")
    # It still thinks that it holds the VIP, and has the higher priority where it is preferred.
    _settles(stage, stage.active)


def vip_partition(stage: Stage) -> None:
    """No node hears the other one, and clients reach both: each holds all VIPs until it does."""
    one, other = _first(stage)
    stage.mark(f"{one} and {other} hear nothing of each other")
    with _apart(stage), cut(stage.stack.netns, stage.plans(one), stage.subject.links):
        last(DEAD_TIMES * stage.subject.dead_s)
    stage.mark("they hear each other again")
    _settles(stage, stage.active)


def vip_link_cut(stage: Stage) -> None:
    """The holder's cable in the VIP's network is pulled, and plugged in again."""
    node, left = _first(stage)
    network = stage.group.interface
    stage.mark(f"link of {node} in {network} down")
    with link_down(stage.stack, node, network):
        stage.wait_until_all_at(left)
        _serves(stage)
    stage.mark(f"link of {node} up")
    _settles(stage, left)


@contextmanager
def _apart(stage: Stage) -> Iterator[None]:
    """Two holders are no fault of a pair without fencing as long as the block lasts."""
    start = time.time()
    try:
        yield
    finally:
        stage.apart.append((start, time.time()))


def _first(stage: Stage) -> tuple[str, str]:
    """The holder of the first VIP, and the other node; the bound is said before anything moves."""
    holder = stage.active
    stage.say(f"silence of {stage.subject.dead_s:g} s moves a VIP")
    return holder, stage.other(holder)


def _serves(stage: Stage) -> None:
    """Clients get answers again."""
    if stage.reads is not None:
        stage.reads.wait_for_more(ENOUGH, timeout_s=MOVE_S)


def _settles(stage: Stage, stayed: str) -> None:
    """Each VIP is where the description says: its preferred node, or where it has gone."""
    plan = stage.plan.nodes[stayed].keepalived
    assert plan is not None
    stage.wait_until_steady()
    for group in stage.groups:
        stage.wait_until_at(group, stayed if plan.mode is VrrpMode.SYNC else group.prefers)
    _serves(stage)


def taken_over_s(subject: Subject) -> float:
    """Within this time of silence the peer has a VIP, and answers at it."""
    return subject.dead_s + SLACK_S


DRILLS = (
    Drill(
        name="vip-power-cut",
        sentence="The holder of a VIP loses its power: the peer has all VIPs.",
        run=vip_power_cut,
        seconds=120,
        reads_stall_s=taken_over_s,
        kinds=VRRP,
        least_groups=0,
    ),
    Drill(
        name="vip-service-stop",
        sentence="keepalived stops on the holder of a VIP: the peer has all VIPs at once.",
        run=vip_service_stop,
        seconds=60,
        reads_stall_s=taken_over_s,
        kinds=VRRP,
        least_groups=0,
    ),
    Drill(
        name="vip-kill-keepalived",
        sentence="keepalived is killed on the holder of a VIP: the peer has it until it is back.",
        run=vip_kill_keepalived,
        seconds=60,
        reads_stall_s=taken_over_s,
        most=HALF,
        kinds=VRRP,
        least_groups=0,
    ),
    Drill(
        name="vip-freeze",
        sentence="The holder of a VIP stands still and goes on: two hold it for a second at most.",
        run=vip_freeze,
        seconds=60,
        reads_stall_s=taken_over_s,
        kinds=VRRP,
        least_groups=0,
    ),
    Drill(
        name="vip-partition",
        sentence="The nodes hear nothing of each other: two hold a VIP until they do.",
        run=vip_partition,
        seconds=60,
        kinds=VRRP,
        least_groups=0,
    ),
    Drill(
        name="vip-link-cut",
        sentence="The holder's link to the clients is cut: the peer has all VIPs.",
        run=vip_link_cut,
        seconds=60,
        reads_stall_s=taken_over_s,
        kinds=VRRP,
        least_groups=0,
    ),
)
