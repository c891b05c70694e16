"""Controls: which pairs they are for, and a verdict that is the other way round."""

from __future__ import annotations

import pytest

from cli.commands_drill import applying
from drills import summary
from drills.invariants import ONE_PRIMARY, Finding, Verdict
from drills.result import WRITES, GroupResult, Result
from drills.scenarios import DRILLS
from tests.golden.tree import plans

PASS = Finding(verdict=Verdict.PASS)
FAIL = Finding(verdict=Verdict.FAIL, reason="minor 0 was Primary on nfs1 and nfs2 at once")
UNKNOWN = Finding(verdict=Verdict.UNKNOWN, reason="too few samples")


def run(
    primary: Finding = PASS,
    *,
    writes: Finding = PASS,
    scenario: Finding = PASS,
    breaks: tuple[str, ...] = (ONE_PRIMARY, WRITES),
    lost: int = 0,
) -> Result:
    """A run of which this was found; everything else held."""
    group = GroupResult(outage_s=3.0, acknowledged=50, unknown=0, lost=lost)
    return Result(
        stack="nfs",
        drill="partition-unfenced",
        started="20260101T000000Z",
        seconds=99.0,
        checks={"scenario": scenario, "nfs writes": writes, "nfs stall": PASS, "steady": PASS},
        invariants={"one VIP holder": PASS, "one DRBD Primary": primary},
        groups={"nfs": group},
        evidence="e",
        made_on={"machine": "m", "commit": "c", "command": "x"},
        breaks=breaks,
    )


def test_a_control_passes_when_something_breaks_and_fails_when_nothing_does() -> None:
    assert run(FAIL).verdict is Verdict.PASS
    assert run(writes=FAIL).verdict is Verdict.PASS
    assert run().verdict is Verdict.FAIL
    assert "proves nothing" in " ".join(run().reasons)


def test_a_control_is_not_shown_by_something_else_that_breaks() -> None:
    by_chance = run(writes=FAIL, breaks=(ONE_PRIMARY,))
    assert by_chance.verdict is Verdict.FAIL
    assert "nfs writes broke, and not what the control is for" in " ".join(by_chance.reasons)
    assert run(FAIL, writes=FAIL, breaks=(ONE_PRIMARY,)).verdict is Verdict.PASS


def test_the_same_findings_mean_the_opposite_with_the_safety_in_place() -> None:
    assert run(FAIL, breaks=()).verdict is Verdict.FAIL
    assert run(breaks=()).verdict is Verdict.PASS


@pytest.mark.parametrize("primary", [PASS, FAIL])
def test_a_control_that_does_not_get_to_its_end_is_no_pass(primary: Finding) -> None:
    assert run(primary, scenario=FAIL).verdict is Verdict.FAIL
    assert run(primary, scenario=UNKNOWN).verdict is Verdict.UNKNOWN


def test_what_was_not_watched_is_no_proof_of_anything() -> None:
    assert run(UNKNOWN).verdict is Verdict.UNKNOWN
    assert run(UNKNOWN, writes=FAIL).verdict is Verdict.PASS
    nothing = Result(
        stack="nfs", drill="d", started="", seconds=0, checks={"lab": UNKNOWN}, invariants={},
        groups={}, evidence="", breaks=(WRITES,),
    )  # fmt: skip
    assert nothing.verdict is Verdict.UNKNOWN


def test_a_control_says_what_broke() -> None:
    result = run(FAIL, writes=FAIL)
    assert result.as_json()["control"] is True
    assert result.as_json()["broken"] == ["nfs writes", "one DRBD Primary"]
    assert result.as_json()["invariants"]["one DRBD Primary"] == "fail"
    assert "broke as a control has to: nfs writes, one DRBD Primary" in result.line()
    assert "broke" not in run(FAIL, breaks=()).line()
    assert FAIL.reason in " ".join(result.reasons)


def test_a_summary_says_that_a_control_is_one() -> None:
    runs = {"partition-unfenced": [run(FAIL, lost=7).as_json()], "power-cut": []}
    text = summary.summary("nfs", runs, command="c")
    row = (
        "| partition-unfenced (control) | 1 | 1 pass | 3.0 | 3.0 | - | 50 | 7 | one DRBD Primary |"
    )
    assert row in text.splitlines()
    assert "It passes when something broke" in text
    assert "not passed" not in text
    plain = summary.summary("nfs", {"d": [run(breaks=()).as_json()]}, command="c")
    assert "control" not in plain


def test_controls_are_for_pairs_without_their_safety_alone() -> None:
    every = plans()
    of = {
        name: {drill.name for drill in applying(every[name])}
        for name in ("nfs", "six", "nfs-dopd", "nfs-no-fencing")
    }
    controls = {drill.name for drill in DRILLS if drill.is_control}
    of_gtid = {
        "source-isolated-impatient",
        "source-power-cut-hasty",
        "freeze-thaw-confirmed",
        "sequence-unasked",
    }
    assert controls == {"partition-dopd", "partition-unfenced", "freeze-thaw-unfenced", *of_gtid}
    assert {drill.name for drill in applying(every["duo"]) if drill.is_control} == of_gtid
    assert not controls & (of["nfs"] | of["six"])
    assert controls & of["nfs-dopd"] == {"partition-dopd"}
    assert controls & of["nfs-no-fencing"] == {"partition-unfenced", "freeze-thaw-unfenced"}


def test_drills_that_have_a_node_powered_off_are_for_pairs_that_do() -> None:
    every = plans()
    powered_off = {"power-cut", "partition", "freeze-long", "freeze-thaw", "freeze-back"}
    powered_off |= {"kill-heartbeat"}
    assert powered_off <= {drill.name for drill in applying(every["nfs"])}
    for name in ("nfs-dopd", "nfs-no-fencing"):
        found = {drill.name for drill in applying(every[name])}
        assert not powered_off & found
        assert {"heartbeat-stop", "switchover", "service-stop", "saturated"} <= found
    assert "kill-dopd" in {drill.name for drill in applying(every["nfs-dopd"])}
    assert "kill-dopd" not in {drill.name for drill in applying(every["nfs-no-fencing"])}
    assert {"kill-dopd", "kill-outdate"} & {drill.name for drill in applying(every["nfs"])} == {
        "kill-outdate"
    }


def test_a_control_is_called_one() -> None:
    for drill in DRILLS:
        assert drill.is_control == drill.sentence.startswith("Control: ")
