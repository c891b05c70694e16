"""Status of read tiers: each replica's word, and what a person does about it."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from bootstrap.shared import pairs
from cli.status import assemble
from cli.status_judge import Seen
from cli.status_read import NodeAnswer, parse, script
from cli.status_replica import SILENT_S, UNHEARD_S, judge_replicas
from cli.status_view import show
from tests.golden.tree import plans

LVS = plans()["lvs"]
FIT = {"fit": True, "why": "it has all", "failed": "", "lag_s": 0.0}


def says(age_s: float = 1.0, **more: Any) -> NodeAnswer:
    return NodeAnswer(reachable=True, replica={**FIT, **more}, replica_age_s=age_s)


def problems(**answers: NodeAnswer) -> list[str]:
    return list(judge_replicas(LVS, answers))


def test_replicas_that_are_read_from_are_in_a_table_and_no_problem() -> None:
    assert problems(server3=says(), server4=says()) == []
    status = assemble(LVS, Seen(answers={"server3": says(), "server4": says(lag_s=1.5)}), url="")
    shown = {n["name"]: n["replica"] for n in status.as_json()["nodes"] if "replica" in n}
    assert shown["server3"] == {
        "pair": "directors",
        "source": "10.75.1.211:3306",
        "state": "in step",
        "lag_s": 0.0,
        "why": "it has all",
    }
    text = StringIO()
    show(status, Console(file=text, width=200))
    assert "replica on" in text.getvalue()
    assert "1.5 s" in text.getvalue()


@pytest.mark.parametrize(
    ("said", "command"),
    [
        ({"why": "it is 9.0 s behind"}, "journalctl -u pairwise-read-replica"),
        ({"why": "it cannot apply what it has received: x"}, "replication rebuild lvs server3"),
        ({"why": "its source has not kept what it lacks: it needs a new copy"}, "rebuild lvs"),
        (
            {"why": "its source does not number its transactions yet: it does after a switchover"},
            "pairwise switchover lvs directors/mysql",
        ),
    ],
)
def test_one_that_is_out_is_named_with_what_to_do(said: dict[str, str], command: str) -> None:
    (sentence,) = problems(server3=says(fit=False, why=said["why"]), server4=says())
    assert "server3" in sentence
    assert said["why"] in sentence
    assert command in sentence


def test_one_that_is_read_from_and_has_long_not_heard_of_its_source_is_named() -> None:
    assert problems(server3=says(silent_s=UNHEARD_S - 1)) == []
    (sentence,) = problems(server3=says(silent_s=UNHEARD_S + 1), server4=says())
    assert "server3 has not heard of its source for 61 s" in sentence
    assert "ip neigh show 10.75.1.211" in sentence


def test_a_step_that_failed_is_told() -> None:
    (sentence,) = problems(server3=says(fit=False, why="it copies", failed="copy: ERROR 1045 (x)"))
    assert "ERROR 1045" in sentence


def test_an_agent_that_says_nothing_is_named_and_a_dead_machine_is_not() -> None:
    silent = NodeAnswer(reachable=True)
    late = says(age_s=SILENT_S + 1)
    dead = NodeAnswer(reachable=False)
    for answer in (silent, late):
        (sentence,) = problems(server3=answer)
        assert "Nobody looks at the replica of server3" in sentence
    assert problems(server3=dead) == []
    copies = says(age_s=SILENT_S + 1, fit=False, why="it copies its source")
    (sentence,) = problems(server3=copies)
    assert "out of its read tier: it copies" in sentence


def test_what_a_node_prints_is_understood() -> None:
    assert pairs.READ_REPLICA in script(())
    text = "\n".join(["== replica", json.dumps(FIT | {"time": 100.0}), "107", "== end", ""])
    answer = parse(text)
    assert answer.replica["why"] == "it has all"
    assert answer.replica_age_s == 7.0
    assert parse("== replica\n\n107\n== end\n").replica == {}
