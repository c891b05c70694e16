"""``switchover`` of VIPs under keepalived: the holder stops for as long as its peer needs."""

from __future__ import annotations

import pytest

from cli import vip_move
from cli.commands_pair import movable
from cli.errors import CommandError
from cli.vip_move import START, STOP, VIPS, VipsOf, has_vips
from stacks.plan_types import NodePlan
from tests.golden.tree import plans

PART = plans()["gateway-keepalived"].slice("directors")


class Pair:
    """Two keepalived that do not preempt: one that starts stands by."""

    def __init__(self) -> None:
        self.states = {"lvs1": "MASTER", "lvs2": "BACKUP"}
        self.takes = True
        self.late = False
        self.told: list[tuple[str, str]] = []

    def read(self, node: NodePlan, script: str, *, timeout_s: float) -> tuple[str | None, str]:
        del timeout_s
        if self.late and STOP in script:
            self.late = False
            self.states[node.name] = "STOPPED"
            return None, "no answer in time"
        if "== " in script:
            return f"== vrrp\nmysql {self.states[node.name]}\n== end\n", ""
        command = script.partition(" && ")[0]
        self.told.append((node.name, command))
        other = "lvs2" if node.name == "lvs1" else "lvs1"
        if command == STOP:
            self.states[node.name] = "STOPPED"
            if self.takes:
                self.states[other] = "MASTER"
        elif command == START:
            self.states[node.name] = "BACKUP" if self.takes else "MASTER"
        return "done\n", ""


def moved(pair: Pair, to: str) -> None:
    VipsOf(PART, pair).move(PART.nodes[to], lambda _: None)  # type: ignore[arg-type]


def test_the_holder_stands_by_once_its_peer_has_them() -> None:
    pair = Pair()
    vips = VipsOf(PART, pair)  # type: ignore[arg-type]
    assert vips.holder() == "lvs1"
    moved(pair, "lvs2")
    assert pair.told == [("lvs1", STOP), ("lvs1", START)]
    assert vips.holder() == "lvs2"
    moved(pair, "lvs1")
    assert vips.holder() == "lvs1"


def test_a_node_that_is_not_fit_is_not_asked() -> None:
    pair = Pair()
    pair.states["lvs2"] = "FAULT"
    with pytest.raises(CommandError, match="lvs2: it does not stand by for them; nothing was"):
        moved(pair, "lvs2")
    assert pair.told == []


def test_one_that_does_not_take_them_gives_them_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vip_move, "MOVE_S", 0)
    pair = Pair()
    pair.takes = False
    with pytest.raises(CommandError, match="lvs2 has not taken the VIPs after 0 s"):
        moved(pair, "lvs2")
    assert pair.told == [("lvs1", STOP), ("lvs1", START)]
    assert pair.states["lvs1"] == "MASTER"


def test_a_holder_whose_answer_was_late_is_started_all_the_same() -> None:
    pair = Pair()
    pair.late = True
    with pytest.raises(CommandError):
        moved(pair, "lvs2")
    assert pair.told == [("lvs1", START)]


def test_what_can_be_moved_of_each_pair() -> None:
    known = plans()
    assert movable(PART) == (VIPS,)
    assert movable(known["lvs-keepalived"].slice("directors")) == (VIPS, "mysql")
    assert movable(known["lvs"].slice("directors")) == ("director", "mysql")
    assert movable(known["duo"].slice("duo")) == ("mysql",)
    assert movable(known["six"].slice("lb")) == ()
    assert not has_vips(known["six-gtid"].slice("data"))
