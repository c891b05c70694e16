"""Read tiers: a replica that is late leaves its service and returns, and a take-over of the source
loses none."""

from __future__ import annotations

from collections.abc import Iterator

from bootstrap.facts.mysql import CLIENT
from drills.drill import HEARTBEAT, Drill
from drills.faults_inside import applier_held
from drills.ports import Place, log_in, replica_client, replica_ids, replica_of, replica_place
from drills.scenarios.power import cut_the_active_one
from drills.scenarios.real_servers import BACK_S, LATE_S, wait_in_tables
from drills.stage import Stage
from drills.wait import wait_until
from drills.workloads.mysql_append import TABLE
from stacks.plan_lvs_types import RealServer, ServicePlan
from stacks.plan_types import Plan

READS = 6
"""Logins in a row: both replicas of two are asked, or one surely is not."""
HELD_S = 3.0
"""A client starts and logs in, before it holds anything."""
SUM = "BIT_XOR(CRC32(id))"
"""As many rows need not be the same ones."""
FOLLOW_S = 60
"""A receiver tries each second; its source has just come up on a busy machine."""


def replica_late(stage: Stage) -> None:
    """It is in no table while it lacks what its source has, and comes back by itself."""
    service, server = _last(stage)
    _, follows = replica_of(stage.plan, server.node)
    places = _places(stage)
    _expect_reads(stage, places)
    stage.mark(f"{server.node} applies nothing")
    begun = stage.marks[-1].at
    client = replica_client(stage.plan, server.node)
    with applier_held(stage.stack, server.node, client=client):
        probed_s = service.probe.every_s + service.probe.timeout_s
        limit_s = HELD_S + follows.max_lag_s + probed_s + LATE_S
        wait_in_tables(stage, service, server, there=False, timeout_s=limit_s)
        stage.mark(f"{server.node} is out of both tables")
        stage.say(f"out after {stage.marks[-1].at - begun:.1f} s")
        _expect_reads(stage, places, without=server.node)
    stage.mark(f"{server.node} applies again")
    begun = stage.marks[-1].at
    wait_in_tables(stage, service, server, there=True, timeout_s=BACK_S)
    stage.mark(f"{server.node} is back in both tables")
    stage.say(f"back after {stage.marks[-1].at - begun:.1f} s")
    _expect_reads(stage, places)
    _expect_the_same_rows(stage)
    stage.expect_nothing_moved()


def source_power_cut(stage: Stage) -> None:
    """The source's machine loses its power: its replicas follow whoever holds its VIP."""
    stage.gather(stage.active)
    stage.must_fence = {stage.active}
    places = _places(stage)
    _expect_reads(stage, places)

    def arrived(left: str) -> None:
        stage.expect_all_at(left)
        _expect_the_same_rows(stage)
        stage.mark("every replica has every row")
        _expect_reads(stage, places, all_of_them=False)

    cut_the_active_one(stage, arrived)
    _expect_the_same_rows(stage)


def _services(plan: Plan, pair: str) -> Iterator[ServicePlan]:
    director = plan.deploys[pair].first.director
    for service in director.services if director is not None else ():
        if replica_ids(plan, service):
            yield service


def _last(stage: Stage) -> tuple[ServicePlan, RealServer]:
    """A service, and a replica that is not on the machine from which rows are written."""
    service = next(_services(stage.plan, stage.pair))
    return service, service.servers[-1]


def _places(stage: Stage) -> dict[str, Place]:
    """Each read VIP as a reader logs in there: read while every machine is there."""
    return {
        service.name: replica_place(stage.stack, stage.plan, service)
        for service in _services(stage.plan, stage.pair)
    }


def _expect_reads(
    stage: Stage, places: dict[str, Place], *, without: str = "", all_of_them: bool = True
) -> None:
    """Readers log in at every read VIP, and are answered by replicas, not by the one named.

    Raises:
        DrillFailedError: a login failed, or somebody else answered, or one of them never.
    """
    for service in _services(stage.plan, stage.pair):
        allowed = {n for node, n in replica_ids(stage.plan, service).items() if node != without}
        place = places[service.name]
        told = log_in(stage.stack, [place | {"name": str(number)} for number in range(READS)])
        found = {said.get("server_id") for said in told.values()}
        wrong = [said for said in told.values() if said.get("server_id") not in allowed]
        stage.expect(not wrong, f"service {service.name}: {wrong[:1]}, not one of {allowed}")
        silent = sorted(str(number) for number in allowed - found)
        stage.expect(
            not (silent and all_of_them),
            f"service {service.name}: {silent} answered none of {READS}",
        )
        stage.say(f"{READS} logins at {service.name}, answered by {sorted(map(str, found))}")


def _expect_the_same_rows(stage: Stage) -> None:
    """Every replica has each row that its source has now.

    Raises:
        DrillFailedError: one has not.
        DeadlineError: one has not come so far in time.
    """
    mysql = next(node.mysql for node in stage.plan.slice(stage.pair).nodes.values() if node.mysql)
    table = f"{mysql.database}.{TABLE}"
    group = next(group for group in stage.groups if group.name == "mysql")
    source = stage.holder(group)
    top = int(stage.stack.exec(source, f"{CLIENT} -e 'SELECT MAX(id) FROM {table}'"))
    count = f"SELECT COUNT(*), {SUM} FROM {table} WHERE id <= {top}"
    wanted = stage.stack.exec(source, f"{CLIENT} -e '{count}'").split()
    for service in _services(stage.plan, stage.pair):
        for server in service.servers:
            client = replica_client(stage.plan, server.node)

            def there(node: str = server.node, ask: str = client) -> bool:
                said = stage.stack.exec(
                    node, f"{ask} -e 'SELECT MAX(id) FROM {table}'", check=False
                )
                return said.strip().isdecimal() and int(said) >= top

            wait_until(there, what=f"row {top} on {server.node}", timeout_s=FOLLOW_S)
            found = stage.stack.exec(server.node, f"{client} -e '{count}'").split()
            stage.expect(found == wanted, f"{server.node} has rows and sum {found}, not {wanted}")
            stage.say(f"{server.node} has all {wanted[0]} rows of {source}")


def _has_read_tier(plan: Plan, pair: str) -> bool:
    """Whether a pair's MySQL is followed by replicas behind its own directors."""
    return next(_services(plan, pair), None) is not None


DRILLS = (
    Drill(
        name="read-replica-late",
        sentence="A replica of a read tier falls behind: it leaves both tables, and comes back.",
        run=replica_late,
        seconds=150,
        only=_has_read_tier,
        kinds=HEARTBEAT,
    ),
    Drill(
        name="read-tier-power-cut",
        sentence="The source of a read tier loses its power: every replica follows the new one.",
        run=source_power_cut,
        seconds=300,
        only=_has_read_tier,
        kinds=HEARTBEAT,
    ),
)
