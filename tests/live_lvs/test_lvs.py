"""Stack lvs: document 001's own test, what clients get through its directors, and its drills."""

from __future__ import annotations

import json

import pytest

from cli.commands_drill import applying
from drills.ports import log_in, replica_ids, replica_place
from drills.running import LiveStack
from drills.wait import wait_until
from tests.golden.tree import plans
from tests.live.web import ask
from tests.on_machines import assert_drill_passes, assert_unchanged

SITE = "http://10.75.1.200"
SERVERS = {"server3", "server4"}
CORE = ("real-server-stopped",)
"""Those that `make test-lvs` repeats, and with it `.ci/run`; `pairwise drill list lvs` has all. The
author's own test is a take-over, and needs no drill beside it."""
MORE = tuple(drill.name for drill in applying(plans()["lvs"]) if drill.name not in CORE)
"""All others."""
MOVE_S = 120
"""Seconds until the database, which moves with the directors, takes rows again."""


@pytest.mark.calm
def test_up_leaves_nothing_to_do(lvs: LiveStack) -> None:
    assert_unchanged(lvs)


@pytest.mark.calm
def test_verify_passes(lvs: LiveStack) -> None:
    lvs.pairwise("verify", "lvs")


@pytest.mark.calm
def test_status_has_both_directors_tables(lvs: LiveStack) -> None:
    rows = [row for pair in lvs.status()["pairs"] for row in pair.get("services", [])]
    assert {row["server"] for row in rows} == SERVERS
    for row in rows:
        seen = {node: found["state"] for node, found in row["directors"].items()}
        assert seen == {"server1": "up", "server2": "up"}


def test_each_real_server_writes_before_and_after_a_take_over(lvs: LiveStack) -> None:
    before = _written(lvs)
    lvs.pairwise("switchover", "lvs", "directors")
    wait_until(
        lambda: ask(lvs, f"{SITE}/app/rows")[0] == 200,
        what="rows after the take-over",
        timeout_s=MOVE_S,
        every_s=1,
    )
    after = _written(lvs)
    seen = json.loads(lvs.inside("curl", "--silent", "--fail", f"{SITE}/app/rows"))
    assert before | after <= {row["id"] for row in seen}


def _written(lvs: LiveStack) -> set[int]:
    """One row by each real server at least: each connection goes to the next one."""
    told = [ask(lvs, f"{SITE}/app/rows", "--data", "text=from-the-test") for _ in range(4)]
    assert {status for status, _ in told} == {201}, told
    assert {row["node"] for _, row in told} == SERVERS
    return {row["id"] for _, row in told}


@pytest.mark.calm
def test_readers_are_answered_by_every_replica(lvs: LiveStack) -> None:
    director = lvs.plan.deploys["directors"].first.director
    assert director is not None
    service = next(service for service in director.services if replica_ids(lvs.plan, service))
    place = replica_place(lvs, lvs.plan, service)
    told = log_in(lvs, [place | {"name": str(number)} for number in range(6)])
    answered = {said.get("server_id") for said in told.values()}
    assert answered == set(replica_ids(lvs.plan, service).values()), told


@pytest.mark.calm
@pytest.mark.parametrize("name", CORE)
def test_drill_passes(lvs: LiveStack, name: str) -> None:
    assert_drill_passes(lvs, name)


@pytest.mark.calm
@pytest.mark.load
@pytest.mark.parametrize("name", MORE)
def test_further_drill_passes(lvs: LiveStack, name: str) -> None:
    assert_drill_passes(lvs, name)
