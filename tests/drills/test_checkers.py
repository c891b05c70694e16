"""Histories and what they prove: lost writes, gaps, fencing, steady state."""

from __future__ import annotations

from typing import Any

from drills.checkers import (
    asked_off,
    fenced_as_expected,
    first_questions,
    no_stale_read,
    powered_off,
    steady,
    writes_kept,
)
from drills.invariants import Verdict
from drills.workloads.recorder import Write, apply_line, longest_gap


def write(number: int, at: float, outcome: str = "ok") -> Write:
    return Write(id=number, invoked=at, ended=at, outcome=outcome)


HISTORY = [write(1, 1.0), write(2, 1.5), write(3, 2.0, "failed"), write(4, 9.5)]


def test_lines_become_a_history() -> None:
    writes: dict[int, Write] = {}
    for at, line in enumerate(
        (
            '{"id": 1, "event": "invoked"}',
            '{"id": 1, "event": "ok"}',
            '{"id": 2, "event": "invoked"}',
            '{"id": 2, "event": "unknown", "error": "gone away"}',
            '{"id": 3, "event": "invoked"}',
            "a warning of PHP",
        )
    ):
        apply_line(writes, line, at=float(at))
    assert [writes[n].outcome for n in (1, 2, 3)] == ["ok", "unknown", "unknown"]
    assert (writes[1].invoked, writes[1].ended) == (0.0, 1.0)
    assert writes[2].error == "gone away"
    assert writes[3].ended is None


def test_a_lost_write_is_found() -> None:
    found = writes_kept(HISTORY, [1, 4])
    assert found.verdict is Verdict.FAIL
    assert found.reason == "1 acknowledged and lost: 2"


def test_a_write_whose_answer_was_lost_may_be_there_or_not() -> None:
    history = [write(1, 1.0), write(2, 2.0, "unknown")]
    assert writes_kept(history, [1]).verdict is Verdict.PASS
    assert writes_kept(history, [1, 2]).verdict is Verdict.PASS


def test_a_write_that_failed_or_ran_twice_must_not_be_there() -> None:
    assert "without having been written: 3" in writes_kept(HISTORY, [1, 2, 3, 4]).reason
    assert "more than once: 4" in writes_kept(HISTORY, [1, 2, 4, 4]).reason


def test_what_was_written_after_the_recorder_hung_up_may_be_there() -> None:
    history = [write(1, 1.0), write(3, 2.0)]
    assert writes_kept(history, [1, 3, 4, 5]).verdict is Verdict.PASS
    assert "without having been written: 2" in writes_kept(history, [1, 2, 3, 4]).reason


def test_no_write_at_all_proves_nothing() -> None:
    assert writes_kept([], []).verdict is Verdict.UNKNOWN


def test_the_longest_gap_is_from_good_to_good() -> None:
    assert longest_gap(HISTORY).seconds == 8.0
    assert longest_gap([]).seconds == 0.0


def request(peer: str, result: str = "off", verb: str = "off") -> dict[str, Any]:
    return {"peer": peer, "verb": verb, "result": result}


def test_fencing_is_what_was_expected_and_no_more() -> None:
    log = [request("nfs1", "on", "status"), request("nfs1"), request("nfs1")]
    assert powered_off(log) == ["nfs1"]
    assert fenced_as_expected(log, must=["nfs1"]).verdict is Verdict.PASS
    assert fenced_as_expected(log, must=[], may=["nfs1"]).verdict is Verdict.PASS
    assert fenced_as_expected([], must=[], may=["nfs1"]).verdict is Verdict.PASS
    assert fenced_as_expected(log, must=[]).verdict is Verdict.FAIL
    assert fenced_as_expected([], must=["nfs1"]).verdict is Verdict.FAIL
    refused = [request("nfs2", "refused")]
    assert fenced_as_expected(refused, must=["nfs2"]).verdict is Verdict.FAIL


def test_a_power_off_that_was_refused_was_asked_for_all_the_same() -> None:
    log = [{"node": "nfs2", **request("nfs1", "on", "status")}]
    assert asked_off(log) == []
    log.append({"node": "nfs2", **request("nfs1", "refused")})
    assert asked_off(log) == ["nfs2 asked for nfs1 off (refused)"]


def test_each_node_s_first_question_since_the_cut_counts() -> None:
    log = [
        {"node": node, "time": at}
        for node, at in (("a", 5.0), ("b", 11.0), ("a", 10.5), ("a", 12.0))
    ]
    assert first_questions(log, since=10.0) == {"a": 10.5, "b": 11.0}
    assert first_questions(log, since=20.0) == {}


def test_steady_is_healthy_and_nothing_to_change() -> None:
    assert steady({"healthy": True, "problems": []}, {"changes": 0}).verdict is Verdict.PASS
    sick = {"healthy": False, "problems": ["nfs2 is off."]}
    assert steady(sick, {"changes": 0}).reason == "nfs2 is off."
    assert "2 changes" in steady({"healthy": True, "problems": []}, {"changes": 2}).reason


def test_a_look_that_misses_what_was_acknowledged_before_is_stale() -> None:
    def look(id_: int, at: float, rows: int | None, *, is_served: bool = True) -> Write:
        return Write(id=id_, invoked=at, ended=at + 0.1, outcome="ok", rows=rows, served=is_served)

    fresh = [look(1, 1.0, 1), look(2, 2.0, None), look(3, 3.0, 3)]
    # One that was under way when another one was acknowledged may have seen it, or not.
    fresh.append(look(4, 3.05, 3))
    assert no_stale_read(fresh).verdict is Verdict.PASS
    stale = no_stale_read([*fresh, look(5, 5.0, 3)])
    assert stale.verdict is Verdict.FAIL
    assert stale.reason == "1 looks: 3 rows were there, 4 acknowledged before"
    # Who is not behind the VIP is nobody's answer.
    assert no_stale_read([*fresh, look(5, 5.0, 0, is_served=False)]).verdict is Verdict.PASS
