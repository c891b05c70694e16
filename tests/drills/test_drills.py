"""The drills by name, and the drill command with a stack that is only pretended."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cli import commands_drill
from cli.commands_drill import applying
from cli.main import run
from drills import evidence, summary
from drills.drill import Drill
from drills.invariants import Finding, Verdict
from drills.result import GroupResult, Result
from drills.running import LiveStack
from drills.scenarios import DRILLS, vips
from drills.writers import NoClientError, writer_of
from stacks.plan_types import Plan
from tests.golden.tree import plans

PASS = Finding(verdict=Verdict.PASS)


def result(verdict: Verdict = Verdict.PASS, *, outage: float = 12.5, lost: int = 0) -> Result:
    group = GroupResult(
        outage_s=outage,
        acknowledged=100,
        unknown=1,
        lost=lost,
        breakdown={"detect": 8.0, "fence": 1.0, "promote": 0.5},
    )
    return Result(
        stack="nfs",
        drill="power-cut",
        started="20260101T000000Z",
        seconds=99.0,
        checks={"scenario": Finding(verdict=verdict, reason="" if verdict == "pass" else "why")},
        invariants={"one VIP holder": PASS},
        groups={"nfs": group},
        evidence=".pairwise/evidence/nfs/power-cut/20260101T000000Z",
        made_on={"machine": "2 cores", "commit": "abc", "command": "pairwise drill run"},
    )


@pytest.fixture(name="every_plan", scope="module")
def fixture_every_plan() -> dict[str, Plan]:
    return plans()


def test_names_are_unique_and_each_says_one_sentence() -> None:
    names = [drill.name for drill in DRILLS]
    assert len(names) == len(set(names))
    assert all(drill.sentence.endswith(".") and drill.seconds >= 60 for drill in DRILLS)


def test_drills_apply_by_the_roles_of_the_plan(every_plan: dict[str, Plan]) -> None:
    of_nfs = {drill.name for drill in applying(every_plan["nfs"])}
    of_six = {drill.name for drill in applying(every_plan["six"])}
    assert {"drbd-hand-switch", "service-stop", "partition"} <= of_nfs
    assert {"power-cut-both", "kill-mysqld", "kill-nfsdcld"} <= of_six
    assert not {"power-cut-both", "kill-mysqld"} & of_nfs
    assert "drbd-hand-switch" not in of_six
    assert "refused-on-both" in of_nfs & of_six
    assert {"take-over-lost", "node-lost", "values-changed"} <= of_nfs & of_six
    of_balancers = {drill.name for drill in applying(every_plan["alone-lb-single"])}
    assert of_balancers == {drill.name for drill in vips.DRILLS}
    assert not of_balancers & of_nfs and of_balancers <= of_six
    of_directors = {drill.name for drill in applying(every_plan["gateway-keepalived"])}
    assert of_directors == of_balancers | {"director-reboot", "director-power-cut"}


def test_each_group_has_a_client_that_writes(every_plan: dict[str, Plan]) -> None:
    six, nfs = every_plan["six"], every_plan["nfs"]
    groups = six.nodes["data1"].data
    assert groups is not None
    mysql, files = (writer_of(six, "data", group) for group in groups.groups)
    assert (mysql.clients, files.clients) == (("web1",), ("web1",))
    assert "setpriv" in files.write and mysql.write.startswith("php -r")
    assert "password" not in mysql.clear + mysql.read
    only = nfs.nodes["nfs1"].data
    assert only is not None
    assert writer_of(nfs, "nfs", only.groups[0]).clients == ("client1",)
    without = {name: node for name, node in nfs.nodes.items() if name != "client1"}
    alone = replace(nfs, nodes=without)
    with pytest.raises(NoClientError, match="needs a client"):
        writer_of(alone, "nfs", only.groups[0])


def pretend(monkeypatch: pytest.MonkeyPatch, *results: Result) -> list[str]:
    """Have the command run drills that are only pretended; the names that it ran."""
    asked: list[str] = []
    left = iter(results)

    def run_drill(stack: LiveStack, drill: Drill, *, say: Any) -> Result:
        say("working")
        asked.append(f"{stack.name} {drill.name}")
        return next(left)

    monkeypatch.setattr(commands_drill, "run_drill", run_drill)
    return asked


@pytest.mark.parametrize(
    ("verdicts", "code"),
    [
        ((Verdict.PASS, Verdict.PASS), 0),
        ((Verdict.PASS, Verdict.FAIL), 1),
        ((Verdict.UNKNOWN, Verdict.PASS), 2),
        ((Verdict.UNKNOWN, Verdict.FAIL), 1),
    ],
)
def test_one_line_for_each_run_and_one_code_for_all(
    verdicts: tuple[Verdict, ...],
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked = pretend(monkeypatch, *(result(verdict) for verdict in verdicts))
    assert run(["drill", "run", "nfs", "power-cut", "--repeat", "2", "--json"]) == code
    said = capsys.readouterr()
    lines = [json.loads(line) for line in said.out.splitlines()]
    assert [line["verdict"] for line in lines] == list(verdicts)
    wanted = {"drill", "verdict", "outage_s", "acknowledged", "lost", "invariants", "evidence"}
    assert wanted <= set(lines[0])
    assert asked == ["nfs power-cut"] * 2
    assert "About 480 s." in said.err.splitlines()[0]


def test_a_fault_lasts_as_long_as_asked_where_that_is_a_choice(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lasted: list[tuple[float | None, int]] = []

    def run_drill(_stack: LiveStack, drill: Drill, **_: Any) -> Result:
        lasted.append((drill.lasts_s, drill.seconds))
        return result()

    monkeypatch.setattr(commands_drill, "run_drill", run_drill)
    assert run(["drill", "run", "nfs", "saturated", "--lasts", "60"]) == 0
    assert run(["drill", "run", "nfs", "saturated"]) == 0
    assert lasted == [(60, 240), (3600, 3780)]
    assert run(["drill", "run", "nfs", "power-cut", "--lasts", "60"]) == 3
    assert "it is for: saturated" in capsys.readouterr().err


@pytest.mark.parametrize("words", [("nfs", "nope"), ("duo", "power-cut"), ("nope", "power-cut")])
def test_a_drill_that_is_none_is_usage(
    words: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["drill", "run", *words]) == 3
    assert "choose one of" in capsys.readouterr().err


def test_the_list_says_how_long_each_takes(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["drill", "list", "nfs", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["drills"]
    (row,) = (row for row in rows if row["name"] == "power-cut")
    assert row["seconds"] == 240


def test_a_result_without_findings_is_no_pass() -> None:
    nothing = Result(
        stack="nfs", drill="d", started="", seconds=0, checks={}, invariants={}, groups={},
        evidence="",
    )  # fmt: skip
    assert nothing.verdict is Verdict.UNKNOWN


def test_a_summary_counts_runs_and_says_what_went_wrong() -> None:
    runs = [result(outage=10.0), result(outage=30.0), result(Verdict.FAIL, outage=20.0, lost=3)]
    text = summary.summary("nfs", {"power-cut": [r.as_json() for r in runs]}, command="c")
    row = "| power-cut | 3 | 2 pass, 1 fail | 20.0 | 30.0 | - | 300 | 3 | all held |"
    assert row in text.splitlines()
    assert "| power-cut, nfs | 8.0 | 1.0 | 0.5 | - | - | - | - |" in text
    assert "- 20260101T000000Z, commit abc: scenario: why" in text
    assert "2 cores" in text and "abc" in text
    read = [{**run.as_json(), "reads_outage_s": 2.5} for run in runs]
    assert "| 30.0 | 2.5 | 300 |" in summary.summary("nfs", {"power-cut": read}, command="c")


def test_a_summary_of_nothing_is_no_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence, "FOLDER", tmp_path)
    assert summary.write("nfs", DRILLS, tmp_path / "docs") is None
    folder = tmp_path / "nfs" / "power-cut" / "20260101T000000Z"
    folder.mkdir(parents=True)
    evidence.write_json(folder / evidence.VERDICT, result().as_json())
    page = summary.write("nfs", DRILLS, tmp_path / "docs")
    assert page is not None and "1 pass" in page.read_text(encoding="utf-8")
