"""Status of splitters: each one's table, and where it differs from what reconcilers say."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

from rich.console import Console

from bootstrap.shared import pairs
from cli.status import assemble
from cli.status_judge import Seen
from cli.status_read import NodeAnswer, parse, script
from cli.status_split import judge_splitters
from cli.status_view import show
from tests.golden.tree import plans

DUO = plans()["duo"]
BOTH = (("server1", "source", "up"), ("server2", "replica", "up"))


def says(role: str, *rows: tuple[str, str, str], **more: Any) -> NodeAnswer:
    words = {
        "role": role,
        "source": "server1",
        "alone": False,
        "may_hold": role == "source",
        "lag_s": 0.0 if role == "replica" else None,
        "problems": [],
        **more,
    }
    table = tuple(dict(zip(("node", "role", "state"), row, strict=True)) for row in rows)
    return NodeAnswer(reachable=True, gtid=words, backends=table)


def problems(one: NodeAnswer, other: NodeAnswer) -> list[str]:
    return list(judge_splitters(DUO, {"server1": one, "server2": other}))


def test_steady_state_has_two_rows_on_both_nodes() -> None:
    seen = Seen(answers={"server1": says("source", *BOTH), "server2": says("replica", *BOTH)})
    status = assemble(DUO, seen, url="")
    for node in status.as_json()["nodes"]:
        assert node["backends"] == [
            {"address": "10.73.2.11:3306", "node": "server1", "role": "source", "state": "up"},
            {"address": "10.73.2.12:3306", "node": "server2", "role": "replica", "state": "up"},
        ]
    assert not [text for text in status.problems if "splitter" in text]
    text = StringIO()
    show(status, Console(file=text, width=200))
    assert text.getvalue().count("10.73.2.12:3306") == 2


def test_a_node_without_a_splitter_has_no_table() -> None:
    nodes = assemble(plans()["six-gtid"], Seen(), url="").as_json()["nodes"]
    assert {node["name"] for node in nodes if "backends" in node} == {"web1", "web2"}


def test_a_splitter_that_knows_better_is_named() -> None:
    assert problems(says("source", *BOTH), says("replica", *BOTH)) == []
    (no_reads,) = problems(says("source", BOTH[0]), says("replica", *BOTH))
    assert "splitter of server1 does not read from server2" in no_reads
    (no_writes,) = problems(says("source", *BOTH), says("replica", BOTH[1]))
    assert "splitter of server2 does not write to server1" in no_writes
    drains = (BOTH[0], ("server2", "replica", "drains"))
    assert len(problems(says("source", *drains), says("replica", *BOTH))) == 1


def test_a_replica_that_is_behind_or_gone_is_rightly_left_alone() -> None:
    behind = says("replica", BOTH[0], lag_s=9.0)
    assert problems(says("source", BOTH[0]), behind) == []
    gone = NodeAnswer(reachable=False, reason="off")
    assert problems(says("source", BOTH[0]), gone) == []


def test_a_table_is_read_with_the_rest() -> None:
    rows = [{"node": "server1", "role": "source", "state": "up"}]
    assert parse(f"== backends\n{json.dumps(rows)}\n== end\n").backends == tuple(rows)
    for words in ("", "Traceback", '[{"node": 1}]'):
        assert parse(f"== backends\n{words}\n== end\n").backends == ()
    assert pairs.SPLIT_BACKENDS in script(())
