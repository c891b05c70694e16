"""What is started for each action, and what voids one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bootstrap.blocks.monitor.program import effects
from bootstrap.blocks.monitor.program.actions import (
    KillAndStart,
    Request,
    Restart,
    Standby,
    Start,
    Takeover,
)
from bootstrap.blocks.monitor.program.effects import Runner, write
from tests.monitor.fake_node import Node
from tests.monitor.given import MYSQL, NFS

DEADLINE_S = 20


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Node:
    return Node(tmp_path, monkeypatch)


def finished(runner: Runner) -> list[tuple[str, int]]:
    """How everything that was started ended."""
    found: list[tuple[str, int]] = []
    for child, _ in runner.children.values():
        child.wait(DEADLINE_S)
    found += [(ended.key, ended.code) for ended in runner.collect(0.0)]
    return found


@pytest.mark.parametrize(
    ("action", "calls"),
    [
        (
            Start(unit="mysql.service", vip=MYSQL.vip),
            [
                "systemctl reset-failed mysql.service",
                "systemctl start --job-mode=fail mysql.service",
            ],
        ),
        (
            Restart(unit="nfs-server.service", vip=MYSQL.vip),
            ["systemctl restart --job-mode=fail nfs-server.service"],
        ),
        (
            KillAndStart(unit="mysql.service", vip=MYSQL.vip),
            [
                "systemctl kill --signal=KILL mysql.service",
                "systemctl reset-failed mysql.service",
                "systemctl start --job-mode=fail mysql.service",
            ],
        ),
        (Standby(side="foreign"), ["hb_standby foreign"]),
        (Takeover(side="local"), ["hb_takeover local"]),
        (
            Request(group_key="drbddisk::db", node="data1"),
            ["t=ip-request-resp", "dest=data1", "ipaddr=drbddisk::db", "weown=yes", "ok=OK"],
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_each_action_calls_these_and_nothing_else(
    here: Node, action: Start | Standby | Takeover | Request, calls: list[str]
) -> None:
    runner = here.runner()
    runner.do(action, 0.0)
    runner.do(action, 0.0)
    assert runner.running == {action.key}
    assert finished(runner) == [(action.key, 0)]
    assert here.calls() == calls


@pytest.mark.parametrize(
    "action", [Start(unit="mysql.service", vip=MYSQL.vip), Standby(side="all")]
)
def test_heartbeat_that_stops_meanwhile_is_not_met_half_way(
    here: Node, action: Start | Standby
) -> None:
    here.programs(inactive=3)
    runner = here.runner()
    runner.do(action, 0.0)
    assert finished(runner) == [(action.key, 0)]
    assert here.calls() == []


def test_a_vip_that_has_gone_meanwhile_voids_a_start(here: Node) -> None:
    runner = here.runner()
    runner.do(Start(unit="nfs-server.service", vip=NFS.vip), 0.0)
    assert not runner.running
    assert here.calls() == []


def test_a_start_that_fails_is_reported(here: Node) -> None:
    here.programs(code=1)
    runner = here.runner()
    runner.do(Start(unit="mysql.service", vip=MYSQL.vip), 0.0)
    assert finished(runner) == [("unit mysql.service", 1)]


def test_an_action_that_takes_too_long_is_ended(here: Node) -> None:
    (here.folder / "bin/hb_standby").write_text("#!/bin/sh\nexec sleep 60\n")
    runner = here.runner()
    runner.do(Standby(side="all"), 0.0)
    assert runner.collect(1.0) == ()
    assert [ended.code for ended in runner.collect(1000.0)] == [124]


def test_a_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "problems.json"
    write(path, [{"id": "x"}])
    write(path, [], durable=True)
    assert json.loads(path.read_text()) == []
    assert [found.name for found in tmp_path.iterdir()] == ["problems.json"]


def test_one_that_cannot_be_killed_holds_up_no_pass(
    here: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that waits for a frozen disk takes no signal until that thaws."""
    (here.folder / "bin/hb_standby").write_text("#!/bin/sh\nexec sleep 60\n")
    runner = here.runner()
    runner.do(Standby(side="all"), 0.0)
    [(child, _)] = runner.children.values()
    monkeypatch.setattr(effects, "KILLED_S", 0.01)
    with monkeypatch.context() as frozen:
        frozen.setattr(child, "kill", lambda: None)
        assert runner.collect(1000.0) == ()
        assert runner.running == {"move"}
    child.kill()
    child.wait(DEADLINE_S)
    assert [ended.key for ended in runner.collect(1001.0)] == ["move"]
