"""Where the groups of a pair are after the first ``up``."""

from __future__ import annotations

import pytest

from cli import placing
from cli.groups import PairOf
from cli.placing import misplaced, new_pairs
from stacks.plan_data_types import ServiceGroup
from stacks.plan_types import NodePlan
from tests.cli.test_look import plan

SIX = plan("six")
DATA = SIX.slice("data")


@pytest.mark.parametrize(
    ("holders", "moves"),
    [
        ({"mysql": "data1", "nfs": "data2"}, []),
        ({"mysql": "data1", "nfs": "data1"}, [("data2", ["nfs"])]),
        ({"mysql": "data2", "nfs": "data1"}, [("data1", ["mysql"]), ("data2", ["nfs"])]),
        # Nobody has it yet: Heartbeat is at work.
        ({"mysql": None, "nfs": "data2"}, []),
    ],
)
def test_a_group_goes_to_the_node_that_it_prefers(
    holders: dict[str, str | None], moves: list[tuple[str, list[str]]]
) -> None:
    data = DATA.nodes["data1"].data
    assert data is not None
    found = [(node, [group.name for group in groups]) for node, groups in misplaced(data, holders)]
    assert found == moves


@pytest.mark.parametrize(
    ("created", "pairs"),
    [({"data-deploy", "lb-deploy"}, ["data"]), ({"web1-domain"}, []), (set(), [])],
)
def test_only_pairs_that_are_new_are_looked_at(created: set[str], pairs: list[str]) -> None:
    assert [part.deploy for part in new_pairs(SIX, created)] == pairs


def test_what_is_misplaced_is_moved(monkeypatch: pytest.MonkeyPatch) -> None:
    moved: list[tuple[list[str], str]] = []
    holders = {"mysql": "data1", "nfs": "data1"}

    def move(_: PairOf, groups: list[ServiceGroup], target: NodePlan, *__: object) -> float:
        moved.append(([group.name for group in groups], target.name))
        return 0.0

    monkeypatch.setattr(PairOf, "holders", lambda *_: holders)
    monkeypatch.setattr(PairOf, "move", move)
    ssh = object()
    assert placing.place([DATA], ssh, print)  # type: ignore[arg-type]
    assert moved == [(["nfs"], "data2")]
    holders["nfs"] = "data2"
    assert not placing.place([DATA], ssh, print)  # type: ignore[arg-type]
