"""A soak: its order, its end, and what is kept of it; and a repeat that goes on where it was."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from cli import commands_drill
from cli.main import run
from drills import evidence, soak, summary
from drills.drill import Drill
from drills.invariants import Verdict
from drills.result import Result
from drills.running import LiveStack
from drills.scenarios import DRILLS
from tests.drills.test_drills import result

SOME = soak.suitable(DRILLS)


def names(drills: list[Drill]) -> list[str]:
    return [drill.name for drill in drills]


def test_a_seed_gives_an_order_and_another_seed_another_one() -> None:
    first = names(list(islice(soak.order(SOME, 7), 200)))
    assert first == names(list(islice(soak.order(SOME, 7), 200)))
    assert first != names(list(islice(soak.order(SOME, 8), 200)))


def test_each_round_has_every_drill_once() -> None:
    found = names(list(islice(soak.order(SOME, 7), 2 * len(SOME))))
    assert sorted(found[: len(SOME)]) == sorted(found[len(SOME) :]) == sorted(names(SOME))


def test_no_control_and_none_that_would_be_the_whole_soak_is_chosen() -> None:
    chosen = set(names(SOME))
    assert "power-cut" in chosen
    assert not chosen & {drill.name for drill in DRILLS if drill.is_control}
    assert "saturated" not in chosen


def ran(verdicts: dict[int, Verdict], seconds: float) -> list[Verdict]:
    """Verdicts of a soak whose drills take 100 s each; by number those that do not pass."""
    clock, done = [0.0], [0]

    def one(_: Drill) -> Result:
        clock[0] += 100.0
        done[0] += 1
        return result(verdicts.get(done[0], Verdict.PASS))

    found = soak.soak(SOME, seed=7, seconds=seconds, run=one, now=lambda: clock[0])
    return [run.verdict for run in found]


def test_no_drill_begins_after_the_time() -> None:
    assert ran({}, 250.0) == [Verdict.PASS] * 3


@pytest.mark.parametrize("verdict", [Verdict.FAIL, Verdict.UNKNOWN])
def test_one_that_does_not_pass_is_the_last(verdict: Verdict) -> None:
    assert ran({2: verdict}, 900.0) == [Verdict.PASS, verdict]


def test_a_soak_without_a_drill_is_no_pass() -> None:
    nothing = soak.Soak(stack="nfs", seed=1, minutes=1, started="", seconds=0, runs=(), made_on={})
    assert nothing.verdict is Verdict.UNKNOWN


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where evidence goes."""
    monkeypatch.setattr(evidence, "FOLDER", tmp_path)
    return tmp_path


def pretend(monkeypatch: pytest.MonkeyPatch, *verdicts: Verdict) -> list[str]:
    """Let drills end so; returns the names of those that are asked for."""
    asked: list[str] = []

    def run_drill(_stack: LiveStack, drill: Drill, **_: Any) -> Result:
        asked.append(drill.name)
        return result(verdicts[len(asked) - 1])

    monkeypatch.setattr(commands_drill, "run_drill", run_drill)
    return asked


def test_the_command_says_its_seed_stops_where_it_fails_and_is_in_the_summary(
    kept: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = pretend(monkeypatch, Verdict.PASS, Verdict.FAIL)
    assert run(["drill", "soak", "nfs", "--minutes", "60", "--seed", "7", "--json"]) == 1
    said = capsys.readouterr()
    told = json.loads(said.out)
    assert told["drills"] and told["verdict"] == "fail" and told["lost"] == 0
    assert len(asked) == 2
    assert "soak, seed 7, 60 min: " + ", ".join(asked) in said.err
    assert told["made_on"]["command"] == "pairwise drill soak nfs --minutes 60 --seed 7"
    # A page is of drills; this one is there beside the soak.
    one = kept / "nfs" / "power-cut" / "20260101T000000Z"
    one.mkdir(parents=True)
    evidence.write_json(one / evidence.VERDICT, result().as_json())
    page = summary.write("nfs", DRILLS, kept / "docs")
    assert page is not None
    text = page.read_text(encoding="utf-8")
    assert f"| {told['started']} | 7 | 60 | 2 | fail |" in text
    assert f"- {told['started']}: power-cut: scenario: why" in text
    # Twice is once.
    assert summary.write("nfs", DRILLS, kept / "docs") == page
    assert page.read_text(encoding="utf-8") == text


def test_a_repeat_that_was_ended_goes_on_where_it_was(
    kept: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    here = {"commit": "abc1234"}
    monkeypatch.setattr(evidence, "made_on", lambda _: here)
    for number, commit in enumerate([here["commit"], here["commit"], "another"]):
        one = kept / "nfs" / "power-cut" / f"2026010{number + 1}T000000Z"
        one.mkdir(parents=True)
        verdict = {**result().as_json(), "made_on": {"commit": commit}}
        evidence.write_json(one / evidence.VERDICT, verdict)
    asked = pretend(monkeypatch, Verdict.PASS)
    assert run(["drill", "run", "nfs", "power-cut", "--repeat", "3", "--resume"]) == 0
    said = capsys.readouterr()
    assert asked == ["power-cut"]
    assert "2 runs of this commit were kept, 1 are left" in said.err
    assert said.out.startswith("3/3 ")
