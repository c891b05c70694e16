"""``switchover``: who takes over, and in what order groups move."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from cli import groups
from cli.commands_pair import _node, _other, movable_pair
from cli.errors import CommandError
from cli.groups import PairOf
from stacks.plan_data_types import ServiceGroup
from tests.cli.test_look import plan

SIX = plan("six")
DATA = SIX.slice("data")


@pytest.mark.parametrize(
    ("holders", "target"),
    [
        ({"mysql": "data1", "nfs": "data1"}, "data2"),
        ({"nfs": "data2"}, "data1"),
    ],
)
def test_the_node_that_holds_none_takes_over(holders: dict[str, str | None], target: str) -> None:
    assert _other(DATA, holders) == target


@pytest.mark.parametrize(
    ("holders", "words"),
    [
        ({"mysql": "data1", "nfs": "data2"}, "(mysql on data1, nfs on data2): add --to"),
        ({"mysql": None}, "(mysql on neither): add --to"),
    ],
)
def test_what_does_not_follow_is_asked_for(holders: dict[str, str | None], words: str) -> None:
    with pytest.raises(CommandError) as caught:
        _other(DATA, holders)
    assert words in str(caught.value)


def test_a_node_of_another_pair_is_refused_before_anything_is_asked() -> None:
    words = "web1 is no node of pair data: choose one of: data1, data2."
    with pytest.raises(CommandError) as caught:
        _node(DATA, "web1")
    assert words in str(caught.value)


def test_a_pair_that_has_no_groups_is_refused() -> None:
    with pytest.raises(CommandError, match=r"by itself \(mode dual\): `pairwise stop six NODE`"):
        movable_pair(SIX, "lb")
    with pytest.raises(
        CommandError, match="no pair 'web' with groups to move: choose one of: data"
    ):
        movable_pair(SIX, "web")
    with pytest.raises(CommandError, match="no group 'redis': choose one of: mysql, nfs"):
        PairOf(DATA, _Ssh([], {})).chosen("redis")  # type: ignore[arg-type]


class _Ssh:
    """Heartbeat as its pair sees it: what is asked for has moved a moment later."""

    def __init__(self, told: list[str], at: dict[str, str]) -> None:
        self.told, self.at = told, at

    def read(self, node: Any, script: str, **_: object) -> tuple[str | None, str]:
        which = script.split()[-1]
        self.told.append(which)
        for group in DATA.nodes["data1"].data.groups:  # type: ignore[union-attr]
            if (group.prefers == node.name) == (which == "local"):
                self.at[group.name] = node.name
        return "", ""


def test_each_group_has_arrived_before_the_next_one_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    at = {"mysql": "data2", "nfs": "data2"}
    told: list[str] = []
    seen: list[tuple[str, int]] = []
    pair = PairOf(DATA, _Ssh(told, at))  # type: ignore[arg-type]

    def holders(_: PairOf, asked: Sequence[ServiceGroup]) -> dict[str, str | None]:
        seen.extend((group.name, len(told)) for group in asked)
        return {group.name: at[group.name] for group in asked}

    monkeypatch.setattr(groups.PairOf, "holders", holders)
    monkeypatch.setattr(groups.PairOf, "is_ready", lambda *_: "")
    pair.move(list(pair.data.groups), DATA.nodes["data1"], lambda _: None)
    assert told == ["foreign", "local"]
    assert seen == [("nfs", 1), ("mysql", 2)]
