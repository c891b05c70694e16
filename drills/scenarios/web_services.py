"""A node that is source and serves pages, and can serve none any more: its peer does both."""

from __future__ import annotations

from functools import partial

from drills.drill import GTID, Drill
from drills.faults_inside import NGINX, PHP, service_stopped
from drills.stage import Stage
from stacks.plan_types import Plan


def stopped(stage: Stage, *, unit: str) -> None:
    """keepalived is in FAULT, so the VIPs leave, and the role of source with them; both nodes live,
    so nobody is powered off. What is started again gets nothing back."""
    left_alone = stage.active
    takes_over = stage.other(left_alone)
    stage.gather(left_alone)
    stage.mark(f"{unit} stopped on {left_alone}")
    with service_stopped(stage.stack, left_alone, unit):
        stage.wait_until_all_at(takes_over)
        stage.writes_go_on()
    stage.mark(f"{unit} started again")
    stage.wait_until_steady()
    stage.expect_nobody_asked_off()
    stage.expect_all_at(takes_over)


def _serves_pages(plan: Plan, pair: str) -> bool:
    """Whether the nodes with the database's VIP are those that serve pages."""
    return all(node.web is not None for node in plan.deploys[pair].nodes.values())


DRILLS = (
    Drill(
        name="source-nginx-stopped",
        sentence="nginx is stopped on the source for good: VIPs and source go to its peer.",
        run=partial(stopped, unit=NGINX),
        seconds=150,
        kinds=GTID,
        only=_serves_pages,
    ),
    Drill(
        name="source-php-stopped",
        sentence="PHP is stopped on the source for good: VIPs and source go to its peer.",
        run=partial(stopped, unit=PHP),
        seconds=150,
        kinds=GTID,
        only=_serves_pages,
    ),
)
