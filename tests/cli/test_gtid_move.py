"""``switchover`` of a GTID pair: the VIPs leave the source's node, and the mark goes with them."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from bootstrap.shared import pairs
from cli import gtid_move, main
from cli.commands_pair import movable
from cli.transport import Ssh
from cli.wait import wait_until
from stacks.plan_types import NodePlan
from tests.cli.test_look import plan

MARK = f"touch {pairs.STANDBY}"
UNMARK = f"rm -f {pairs.STANDBY}"


class Pair:
    """Two reconcilers: the source goes to the other node once its own is marked, if it can."""

    def __init__(self) -> None:
        self.roles = {"server1": "source", "server2": "replica"}
        self.source = "server1"
        self.replica: dict[str, Any] = {"current": True}
        self.moves = True
        self.told: list[tuple[str, str]] = []

    def read(self, node: NodePlan, script: str, *, timeout_s: float) -> tuple[str | None, str]:
        del timeout_s
        if pairs.STANDBY not in script or "== " in script:
            return self.words(node.name), ""
        self.told.append((node.name, script.partition(" && ")[0]))
        if MARK in script and self.moves:
            other = "server2" if node.name == "server1" else "server1"
            self.roles = {node.name: "replica", other: "source"}
            self.source = other
        return "done\n", ""

    def words(self, name: str) -> str:
        role = self.roles[name]
        more = self.replica if role == "replica" else {"current": True}
        said = {"time": time.time(), "role": role, "source": self.source, **more}
        return f"== gtid\n{json.dumps(said)}\n\n{time.time():.0f}\n== end\n"


@pytest.fixture
def pair(monkeypatch: pytest.MonkeyPatch) -> Pair:
    fake = Pair()
    monkeypatch.setattr(Ssh, "of_stack", lambda _: fake)
    return fake


def test_the_source_goes_to_the_other_node_and_its_vips_may_come_back(
    pair: Pair, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.run(["switchover", "duo", "duo"]) == 0
    assert pair.told == [("server1", MARK), ("server1", UNMARK)]
    assert pair.source == "server2"
    assert "mysql moved to server2" in capsys.readouterr().err


def test_a_named_node_that_is_source_already_is_left_alone(
    pair: Pair, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.run(["switchover", "duo", "duo/mysql", "--to", "server1"]) == 0
    assert pair.told == []
    assert "server1 has mysql already" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("replica", "words"),
    [
        ({"current": False}, "server2 has not caught up; nothing was moved"),
        ({"role": "quarantined"}, "server2 is quarantined, not a replica; nothing was moved"),
    ],
)
def test_a_replica_that_cannot_be_source_is_refused(
    pair: Pair, capsys: pytest.CaptureFixture[str], replica: dict[str, Any], words: str
) -> None:
    pair.replica |= replica
    assert main.run(["switchover", "duo", "duo"]) == 1
    assert pair.told == []
    assert words in capsys.readouterr().err


def test_a_move_that_takes_too_long_takes_its_mark_away(
    pair: Pair, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def at_once(ask: Any, **_: float) -> bool:
        return wait_until(ask, timeout_s=0, every_s=0)

    monkeypatch.setattr(gtid_move, "wait_until", at_once)
    pair.moves = False
    assert main.run(["switchover", "duo", "duo"]) == 1
    assert pair.told == [("server1", MARK), ("server1", UNMARK)]
    assert "server2 is not source after" in capsys.readouterr().err


def test_what_can_be_moved_is_the_source_and_the_groups_of_heartbeat() -> None:
    assert movable(plan("duo").slice("duo")) == ("mysql",)
    assert movable(plan("six-gtid").slice("data")) == ("mysql", "nfs")
    assert movable(plan("six").slice("data")) == ("mysql", "nfs")
    assert movable(plan("six").slice("lb")) == ()


@pytest.mark.parametrize("command", ["heal", "repair"])
def test_commands_about_disks_refuse_a_pair_without(
    pair: Pair, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    assert main.run([command, "duo", "server1"]) == 3
    assert pair.told == []
    assert "server1 is in no pair under Heartbeat" in capsys.readouterr().err
