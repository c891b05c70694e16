"""Daemons of a group that is here: when they are started again, and when that is given up."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bootstrap.blocks.monitor.program.actions import KillAndStart, Restart, Standby, Start
from bootstrap.blocks.monitor.program.seen import Ended, UnitSeen
from tests.monitor.given import (
    ACTIVE,
    DIED,
    FAILED,
    HERE,
    MYSQL,
    NFS,
    STARTING,
    Watch,
    node,
    only,
    with_disk,
    with_unit,
)

SOCKET = MYSQL.socket
DOWN = with_unit(node(MYSQL), "mysql.service", FAILED)
UP = node(MYSQL)


def test_given_all_works_when_minutes_pass_then_nothing_is_done() -> None:
    watch = Watch()
    assert watch.for_seconds(node(MYSQL), 300) == []
    assert watch.for_seconds(node(MYSQL, NFS, rscstatus="all"), 300) == []
    assert watch.problems() == set()


@pytest.mark.parametrize("state", [FAILED, UnitSeen(active="inactive")])
def test_given_a_held_group_when_its_daemon_is_down_then_it_is_started(state: UnitSeen) -> None:
    watch = Watch()
    done = watch.sees(with_unit(node(MYSQL), "mysql.service", state))
    assert done == [Start(unit="mysql.service", vip=MYSQL.vip)]
    assert "service-restarted" in watch.problems("mysql")


@pytest.mark.parametrize("state", [STARTING, UnitSeen(active="deactivating"), DIED])
def test_given_systemd_is_at_work_when_a_unit_is_in_flux_then_it_is_left_alone(
    state: UnitSeen,
) -> None:
    assert Watch().sees(with_unit(node(MYSQL), "mysql.service", state)) == []


def test_given_a_queued_stop_when_the_unit_is_down_then_it_is_left_alone() -> None:
    stopping = UnitSeen(active="inactive", job=True)
    assert Watch().sees(with_unit(node(MYSQL), "mysql.service", stopping)) == []


def test_given_a_start_that_still_runs_when_the_unit_is_down_then_no_second_one_begins() -> None:
    busy = replace(DOWN, running=frozenset({"unit mysql.service"}))
    assert Watch().sees(busy) == []


@pytest.mark.parametrize(
    "part", [{"addresses": frozenset({"10.9.0.11"})}, {"mounts": {}}], ids=["no VIP", "no mount"]
)
def test_given_a_group_partly_here_when_its_daemon_is_down_then_nothing_is_started(
    part: dict[str, object],
) -> None:
    # The VIP goes first at a stop and comes last at a start: this is Heartbeat at work.
    assert Watch().sees(replace(DOWN, **part)) == []  # type: ignore[arg-type]


@pytest.mark.parametrize("heartbeat", ["deactivating", "inactive", "failed", "unknown"])
def test_given_heartbeat_not_active_when_anything_is_wrong_then_nothing_is_done(
    heartbeat: str,
) -> None:
    watch = Watch()
    assert watch.for_seconds(replace(DOWN, heartbeat=heartbeat), 60) == []
    lost = replace(node(), heartbeat=heartbeat, rscstatus="all", addresses=frozenset())
    assert watch.for_seconds(with_disk(lost, MYSQL, replace(HERE, role="Secondary")), 60) == []
    assert "heartbeat-not-active" in watch.problems()


def test_given_two_starts_within_a_minute_when_it_fails_again_then_the_group_is_handed_over() -> (
    None
):
    watch = Watch()
    assert len(watch.sees(DOWN)) == 1
    assert watch.sees(UP, after=10) == []
    assert len(watch.sees(DOWN, after=10)) == 1
    assert watch.sees(UP, after=10) == []
    assert watch.for_seconds(DOWN, 2) == [Standby(side="local")]
    assert "handed-over" in watch.problems("mysql")


def test_given_two_starts_when_a_minute_has_passed_then_it_is_started_again() -> None:
    watch = Watch()
    for _ in range(6):
        assert watch.sees(DOWN) == [Start(unit="mysql.service", vip=MYSQL.vip)]
        watch.sees(UP, after=40)
    assert "handed-over" not in watch.problems()


def test_given_two_starts_that_end_with_an_error_when_slow_then_the_group_is_handed_over() -> None:
    watch = Watch()
    for _ in range(2):
        assert isinstance(only(watch.sees(DOWN)), Start)
        busy = with_unit(UP, "mysql.service", STARTING)
        assert watch.for_seconds(busy, 80) == []
        watch.sees(replace(busy, ended=(Ended(key="unit mysql.service", code=1),)))
    assert watch.for_seconds(DOWN, 3) == [Standby(side="local")]


def test_given_starts_that_succeed_when_they_end_then_they_are_no_failures() -> None:
    watch = Watch()
    for _ in range(3):
        watch.sees(DOWN)
        watch.sees(replace(UP, ended=(Ended(key="unit mysql.service", code=0),)), after=70)
    assert watch.memory.failures == {}


def test_given_systemd_s_own_restarts_when_they_do_not_help_then_the_group_is_handed_over() -> None:
    watch = Watch()
    for count in range(3):
        watch.sees(with_unit(UP, "mysql.service", replace(ACTIVE, restarts=count)), after=5)
    assert "service-restarted" in watch.problems("mysql")
    died = with_unit(UP, "mysql.service", replace(DIED, restarts=2))
    assert watch.for_seconds(died, 2) == [Standby(side="local")]


def test_given_a_first_look_when_systemd_has_counted_before_then_those_do_not_count() -> None:
    watch = Watch()
    watch.sees(with_unit(UP, "mysql.service", replace(ACTIVE, restarts=7)))
    assert watch.memory.restarts == {}


def test_given_a_silent_database_when_three_greetings_fail_then_it_is_killed_and_started() -> None:
    watch = Watch()
    silent = replace(UP, greeted={SOCKET: False})
    assert watch.sees(silent) == []
    assert watch.sees(silent, after=5) == []
    assert watch.sees(silent, after=5) == [KillAndStart(unit="mysql.service", vip=MYSQL.vip)]
    assert watch.sees(UP) == [], "the count begins anew"


def test_given_one_greeting_in_between_when_two_fail_again_then_nothing_is_done() -> None:
    watch = Watch()
    for answer in (False, False, True, False, False):
        assert watch.sees(replace(UP, greeted={SOCKET: answer}), after=5) == []


def test_given_a_frozen_disk_when_the_database_is_silent_then_it_is_left_alone() -> None:
    # DRBD freezes I/O while the peer is fenced: killing the database would cure nothing.
    watch = Watch()
    silent = replace(UP, greeted={SOCKET: False})
    assert watch.for_seconds(with_disk(silent, MYSQL, replace(HERE, frozen=True)), 30) == []


def test_given_no_thread_in_the_kernel_when_nfs_server_is_active_then_it_is_restarted() -> None:
    seen = replace(node(NFS, rscstatus="foreign"), threads=0)
    assert Watch().sees(seen) == [Restart(unit="nfs-server.service", vip=NFS.vip)]


def test_given_an_unreadable_count_when_nfs_server_is_active_then_nothing_is_done() -> None:
    assert Watch().sees(replace(node(NFS, rscstatus="foreign"), threads=None)) == []


@pytest.mark.parametrize("unit", ["nfsdcld.service", "nfs-mountd.service", "nfs-server.service"])
def test_given_nfs_here_when_one_of_its_daemons_is_dead_then_that_one_is_started(unit: str) -> None:
    seen = with_unit(node(NFS, rscstatus="foreign"), unit, FAILED)
    assert Watch().sees(seen) == [Start(unit=unit, vip=NFS.vip)]


def test_given_all_of_nfs_is_down_when_seen_then_the_first_is_started_first() -> None:
    seen = node(NFS, rscstatus="foreign", units=dict.fromkeys(NFS.watched, FAILED))
    assert Watch().sees(seen) == [Start(unit="nfsdcld.service", vip=NFS.vip)]


def test_given_a_restart_when_ten_minutes_have_passed_then_the_problem_is_gone() -> None:
    watch = Watch()
    watch.sees(DOWN)
    watch.sees(UP, after=590)
    assert "service-restarted" in watch.problems()
    assert watch.told(UP, after=20) == []
    assert watch.problems() == set()
