"""Directors before MySQL servers: document 004's own test."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from drills.drill import Drill
from drills.observe import enter
from drills.stage import Stage
from drills.wait import wait_until
from stacks.plan_instances import InstancePlan
from stacks.plan_types import NodePlan, Plan

LOGINS_S = 300
"""All logins, one after the other, while machines boot beside them."""
BOOT_S = 400
"""A director boots, and Heartbeat waits for its peer."""


def director_reboot(stage: Stage) -> None:
    """Log in at every port of the VIP, reboot the active director, log in at every port again."""
    _expect_logins(stage)
    active = stage.active
    left = stage.other(active)
    watch = stage.watches[active]
    before = watch.samples()[-1].boot
    stage.mark(f"{active} rebooted")
    stage.stack.exec(active, "systemctl reboot", check=False)
    stage.wait_until_at(stage.group, left)
    stage.mark(f"{left} has the VIP")
    _expect_logins(stage)
    what = f"{active} to have booted"
    wait_until(lambda: watch.samples()[-1].boot != before, what=what, timeout_s=BOOT_S, every_s=1)
    stage.wait_until_steady()
    stage.expect_at(stage.group, left)
    stage.expect_nobody_asked_off()
    _expect_logins(stage)


def _expect_logins(stage: Stage) -> None:
    """Each port answers as the server that its service names."""
    places, wanted = _places(stage)
    done = subprocess.run(
        [*enter(stage.stack.netns), sys.executable, "-m", "drills.workloads.logins"],
        input=json.dumps(places),
        capture_output=True,
        text=True,
        timeout=LOGINS_S,
        check=True,
    )
    told: dict[str, dict[str, Any]] = json.loads(done.stdout)
    for name, allowed in wanted.items():
        said = told.get(name, {})
        stage.expect(
            said.get("server_id") in allowed,
            f"service {name}: {said.get('error') or said}, not one of {sorted(allowed)}",
        )
    stage.say(f"logged in at {', '.join(sorted(wanted))}, with 1 MiB both ways")


def _places(stage: Stage) -> tuple[list[dict[str, Any]], dict[str, set[int]]]:
    """Where to log in, and whose answers are right, by service."""
    director = stage.plan.nodes[stage.nodes[0]].director
    assert director is not None
    places: list[dict[str, Any]] = []
    wanted: dict[str, set[int]] = {}
    for service in director.services:
        found = [
            (stage.plan.nodes[server.node], instance)
            for server in service.servers
            for instance in stage.plan.nodes[server.node].instances
            if instance.port == server.port
        ]
        wanted[service.name] = {instance.server_id for _, instance in found}
        node, instance = found[0]
        places.append(
            {
                "name": service.name,
                "host": str(service.vip),
                "port": service.port,
                "user": instance.account,
                "database": instance.database,
                **_secrets(stage, node, instance),
            }
        )
    return places, wanted


def _secrets(stage: Stage, node: NodePlan, instance: InstancePlan) -> dict[str, str]:
    """Certificate and password, as the server itself was given them; they go on by a pipe."""
    read = (
        f"cat /etc/pairwise/mysql/cert.pem; echo; sed -n \"s/.* BY '\\(.*\\)' REQUIRE SSL;/\\1/p\""
        f" /etc/pairwise/mysql/{instance.name}.sql | head -n 1"
    )
    said = stage.stack.exec(node.name, read).strip().splitlines()
    return {"certificate": "\n".join(said[:-1]), "password": said[-1]}


def has_servers(plan: Plan, pair: str) -> bool:
    """Whether a pair's directors lead to MySQL servers that stand alone."""
    director = next(iter(plan.deploys[pair].nodes.values())).director
    return director is not None and any(
        plan.nodes[server.node].instances
        for service in director.services
        for server in service.servers
    )


DRILLS = (
    Drill(
        name="director-reboot",
        sentence="The active director reboots: its peer answers at every port of MySQL.",
        run=director_reboot,
        seconds=240,
        least_groups=0,
        only=has_servers,
    ),
)
