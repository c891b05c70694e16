"""Our times beside a document's: what they are, when ours are good enough, and what is kept."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cli import commands_drill
from cli.main import run
from drills import evidence, literal, summary
from drills.compare import Comparison
from drills.described import changed
from drills.drill import Drill
from drills.invariants import Finding, Verdict
from drills.literal import LITERAL, Literal
from drills.result import Result
from drills.running import LiveStack
from drills.scenarios import DRILLS
from stacks.load import read_stack
from stacks.plan import make_plan
from tests.descriptions import description
from tests.drills.test_drills import result

PASS, FAIL = Verdict.PASS, Verdict.FAIL


@pytest.mark.parametrize("stack", LITERAL)
def test_a_documents_times_are_a_description_that_is_accepted(stack: str) -> None:
    times = LITERAL[stack]
    described = changed(description(stack), put=times.put)
    plan = make_plan(read_stack(described, name=stack, source=stack))
    data = plan.deploys[times.pair].first.data
    assert data is not None
    assert data.heartbeat.deadtime_s == times.deadtime_s
    assert data.heartbeat.initdead_s == times.initdead_s


def compared(ours: list[Result], written: list[Result]) -> Comparison:
    return Comparison(
        stack="nfs",
        drill="power-cut",
        literal=LITERAL["nfs"],
        started="20260102T000000Z",
        ours=tuple(ours),
        written=tuple(written),
        made_on={"machine": "m", "commit": "abc", "command": "c"},
    )


def broken(outage: float) -> Result:
    """A run in which an invariant did not hold."""
    run = result(outage=outage)
    return replace(run, invariants={"one VIP holder": Finding(verdict=FAIL, reason="two")})


@pytest.mark.parametrize(
    ("ours", "written", "verdict", "ratio"),
    [
        ([10.0, 30.0, 10.4], [10.0], PASS, 1.04),
        ([10.6], [10.0], FAIL, 1.06),
    ],
)
def test_ours_may_not_be_slower_than_one_that_keeps_every_promise(
    ours: list[float], written: list[float], verdict: Verdict, ratio: float
) -> None:
    found = compared([result(outage=s) for s in ours], [result(outage=s) for s in written])
    assert (found.verdict, found.ratio) == (verdict, ratio)


def test_half_is_asked_after_a_process_died_or_a_disk_is_taken_over() -> None:
    of = {drill.name: drill.most for drill in DRILLS}
    assert (of["kill-mysqld"], of["power-cut"], of["partition"]) == (0.5, 0.5, 1.05)
    found = replace(compared([result(outage=6.0)], [result(outage=10.0)]), most=of["power-cut"])
    assert (found.verdict, found.ratio) == (FAIL, 0.6)


def test_a_run_of_which_nothing_is_known_is_no_excuse_to_be_slow() -> None:
    lab = Finding(verdict=Verdict.UNKNOWN, reason="no machine")
    vague = replace(result(outage=10.0), checks={"lab": lab})
    found = compared([result(outage=100.0)], [result(outage=10.0), vague])
    assert found.verdict is Verdict.UNKNOWN


def test_answers_are_compared_where_nobody_writes() -> None:
    quiet = [replace(result(), groups={}, reads_outage_s=seconds) for seconds in (4.0, 4.1)]
    assert compared(quiet[:1], quiet[1:]).ratio == 0.98


def test_one_that_breaks_something_may_be_as_fast_as_it_likes() -> None:
    found = compared([result(outage=20.0)], [broken(1.0)])
    assert found.verdict is PASS
    assert found.broken == ["one VIP holder"]
    assert "which broke one VIP holder" in found.line()


def test_ours_have_to_pass() -> None:
    assert compared([result(FAIL)], [broken(1.0)]).verdict is FAIL
    assert compared([], [result()]).verdict is Verdict.UNKNOWN


def test_the_command_runs_both_and_the_summary_shows_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(evidence, "FOLDER", tmp_path)
    asked: list[str] = []

    def run_drill(_stack: LiveStack, _drill: Drill, *, settings: str = "", **_: Any) -> Result:
        asked.append(settings)
        return result(outage=20.0 if settings else 9.0)

    @contextmanager
    def as_written(stack: LiveStack, times: Literal) -> Iterator[LiveStack]:
        asked.append(f"document {times.document}")
        yield stack
        asked.append("back")

    monkeypatch.setattr(commands_drill, "run_drill", run_drill)
    monkeypatch.setattr(literal, "as_written", as_written)
    assert run(["drill", "compare", "nfs", "power-cut", "--repeat", "2", "--json"]) == 0
    assert asked == ["", "", "document 002", "002", "002", "back"]
    told = json.loads(capsys.readouterr().out)
    assert (told["ratio"], told["broke"]) == (0.45, [])
    one = tmp_path / "nfs" / "power-cut" / "20260101T000000Z"
    one.mkdir(parents=True)
    evidence.write_json(one / evidence.VERDICT, result().as_json())
    page = summary.write("nfs", DRILLS, tmp_path / "docs")
    assert page is not None
    row = f"| {told['started']} | power-cut | 002: 1, 2, 5, 10 | 9.0 (2) | 20.0 (2) | 0.45 | 0.5 |"
    assert f"{row} nothing | pass |" in page.read_text(encoding="utf-8")
    # A stack without a document's own times says so.
    assert run(["drill", "compare", "duo", "source-power-cut"]) == 3
    assert "choose one of: six, nfs, gateway" in capsys.readouterr().err
