"""A splitter's table is as a drill expects it, or the drill fails with what was there."""

from __future__ import annotations

from typing import Any

import pytest
from typing_extensions import override

from drills import splitters
from drills.running import LiveStack
from drills.stage import Stage
from drills.subject import Kind, subject_of
from drills.wait import DeadlinePassedError
from tests.golden.tree import plans

SOURCE_1 = {"node": "server1", "role": "source", "state": "up"}
REPLICA_2 = {"node": "server2", "role": "replica", "state": "up"}


def stage_of(tables: dict[str, list[dict[str, str]]]) -> Stage:
    """Stack duo, whose ``status`` shows these tables."""

    class Pretended(LiveStack):
        @override
        def status(self) -> dict[str, Any]:
            return {"nodes": [{"name": name, "backends": rows} for name, rows in tables.items()]}

    plan = plans()["duo"]
    subject = subject_of(plan, "duo", Kind.GTID)
    unused: Any = None
    stack = Pretended("duo", "n", "u")
    nodes = ("server1", "server2")
    said: list[str] = []
    return Stage(stack, plan, "duo", nodes, subject, unused, {}, {}, said.append)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(splitters, "TOLD_S", 0)


def test_two_rows_on_both_nodes_are_a_whole_pair() -> None:
    rows = [SOURCE_1, REPLICA_2]
    whole = stage_of({"server1": rows, "server2": rows})
    splitters.wait_for_tables(whole, source="server1", replica="server2")


def test_one_row_on_the_node_that_runs_is_a_source_alone() -> None:
    alone = stage_of({"server1": [SOURCE_1], "server2": []})
    splitters.wait_for_tables(alone, source="server1", off="server2")


@pytest.mark.parametrize(
    "rows",
    [[], [SOURCE_1], [SOURCE_1, {**REPLICA_2, "state": "drains"}], [REPLICA_2]],
    ids=["empty", "no replica", "drains", "no source"],
)
def test_another_table_on_one_node_fails(rows: list[dict[str, str]]) -> None:
    stage = stage_of({"server1": [SOURCE_1, REPLICA_2], "server2": rows})
    with pytest.raises(DeadlinePassedError, match=r"the last answer was .*server2"):
        splitters.wait_for_tables(stage, source="server1", replica="server2")
