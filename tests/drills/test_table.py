"""The table of every drill on every stack, and the verdicts that it is made from."""

from __future__ import annotations

from pathlib import Path

from drills import kept
from drills.scenarios import DRILLS
from drills.subject import Kind
from drills.table import LACKS, NOT_RUN, missing, repeats, table
from stacks.load import stack_names
from tests.docs.source import ROOT
from tests.drills.test_drills import result
from tests.golden.tree import plans

PLANS = {name: plans()[name] for name in stack_names(ROOT / "stacks")}


def cells(page: str, drill: str) -> list[str]:
    """A row, without its name."""
    row = next(line for line in page.splitlines() if line.startswith(f"| {drill} "))
    return [cell.strip() for cell in row.split("|")[2:-1]]


def run(started: str, *, outage: float, verdict: str = "pass") -> kept.Run:
    return {**result(outage=outage).as_json(), "started": started, "verdict": verdict}


def test_a_cell_has_the_median_and_what_did_not_pass() -> None:
    found = [run("1", outage=10.0), run("2", outage=30.0, verdict="fail"), run("3", outage=20.0)]
    page = table(PLANS, {"duo": {"source-power-cut": found}}, DRILLS)
    assert cells(page, "source-power-cut")[list(PLANS).index("duo")] == "15.0 (3, 1 not passed)"
    assert cells(page, "source-power-cut")[list(PLANS).index("six-gtid")] == NOT_RUN


def test_what_is_still_to_be_run_is_said() -> None:
    nfs = {"nfs": PLANS["nfs"]}
    every = [drill for drill in DRILLS if drill.applies(PLANS["nfs"])]
    cut, rest = run("1", outage=10.0), [run("1", outage=10.0)]
    done = {drill.name: rest * repeats(drill) for drill in every}
    assert missing(nfs, {"nfs": done}, DRILLS) == []
    few = {**done, "power-cut": [cut, {**cut, "verdict": "fail"}], "switchover": []}
    assert missing(nfs, {"nfs": few}, DRILLS) == [
        "nfs switchover: passed 0 of 1 times",
        "nfs power-cut: passed 1 of 5 times",
    ]
    assert repeats(next(drill for drill in DRILLS if drill.name == "partition-dopd")) == 1


def test_a_drill_that_does_not_apply_has_a_reason() -> None:
    page = table(PLANS, {}, DRILLS)
    letter = cells(page, "statements")[list(PLANS).index("lvs")]
    assert f"- {letter}: {LACKS[Kind.GTID]}" in page.splitlines()
    assert "" not in {cell for drill in DRILLS for cell in cells(page, drill.name)}


def test_a_stack_without_a_description_has_numbers_alone() -> None:
    page = table(PLANS, {"data": {"power-cut": [run("1", outage=22.5)]}}, DRILLS)
    assert cells(page, "power-cut")[-1] == "22.5 (1)"
    assert cells(page, "partition")[-1] == ""


def test_verdicts_of_two_machines_add_up(tmp_path: Path) -> None:
    here, there = [run("1", outage=1.0), run("3", outage=3.0)], [run("2", outage=2.0)]
    kept.write(tmp_path, "duo", {"power-cut": kept.merged([], here)})
    before = kept.read(tmp_path, "duo")["power-cut"]
    both = kept.merged(before, [*there, *here])
    assert [one["started"] for one in both] == ["1", "2", "3"]
    assert kept.stacks(tmp_path) == ["duo"]
