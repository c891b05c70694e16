"""Steps that are done are skipped, a failed one says why, two set-ups wait for each other."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from lab.paths import Paths
from lab.steps import TAIL_LINES, Step, StepError, command, locked, run_steps, table


def test_what_is_done_is_not_done_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ran: list[str] = []
    steps = [
        Step("old", lambda: True, lambda: ran.append("old")),
        Step("new", lambda: False, lambda: ran.append("new")),
    ]
    run_steps(Paths(tmp_path), [steps])
    assert ran == ["new"]
    printed = capsys.readouterr()
    assert "old: already done" in printed.err
    assert "new: done in 0 s" in printed.err
    assert printed.out == ""


def test_groups_follow_each_other_and_timings_are_kept(tmp_path: Path) -> None:
    ran: list[str] = []
    groups = [[Step(name, lambda: False, lambda n=name: ran.append(n))] for name in "abc"]  # type: ignore[misc]
    timings = run_steps(Paths(tmp_path), groups)
    assert ran == ["a", "b", "c"]
    assert json.loads(Paths(tmp_path).timings.read_text()) == timings
    assert list(timings) == ["a", "b", "c"]


def test_steps_of_a_group_run_side_by_side(tmp_path: Path) -> None:
    barrier = threading.Barrier(2, timeout=10)
    steps = [Step(name, lambda: False, lambda: _meet(barrier)) for name in "ab"]
    run_steps(Paths(tmp_path), [steps])


def _meet(barrier: threading.Barrier) -> None:
    barrier.wait()


def test_a_failure_stops_the_following_group_and_the_next_call_goes_on(tmp_path: Path) -> None:
    done: set[str] = set()

    def fail() -> None:
        raise StepError("no space: free some.")

    def step(name: str, *, works: bool) -> Step:
        return Step(name, lambda: name in done, lambda: done.add(name) if works else fail())

    first = [[step("a", works=True), step("b", works=False)], [step("c", works=True)]]
    with pytest.raises(StepError, match="no space"):
        run_steps(Paths(tmp_path), first)
    assert done == {"a"}
    run_steps(Paths(tmp_path), [[step("a", works=False)], [step("b", works=True)]])
    assert done == {"a", "b"}


def test_a_failed_command_shows_the_end_of_its_log(tmp_path: Path) -> None:
    log = tmp_path / "logs" / "x.log"
    with pytest.raises(StepError) as caught:
        command(["sh", "-c", "seq 1 100; exit 7"], log=log)
    text = str(caught.value)
    assert "sh failed with exit code 7" in text
    assert str(log) in text
    assert text.splitlines()[-1] == "100"
    assert len(text.splitlines()) == TAIL_LINES + 1


def test_a_command_reads_what_it_is_given_and_never_the_terminal(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    command(["cat", "-"], log=log, stdin="given\n")
    command(["cat", "-"], log=log)
    assert log.read_text() == "\n$ cat -\ngiven\n\n$ cat -\n"


def test_a_second_caller_waits(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    order: list[str] = []
    path = tmp_path / "lock"

    def second() -> None:
        with locked(path):
            order.append("second")

    with locked(path):
        thread = threading.Thread(target=second)
        thread.start()
        thread.join(timeout=0.3)
        order.append("first")
    thread.join(timeout=10)
    assert order == ["first", "second"]
    assert "waiting for another pairwise command" in capsys.readouterr().err


def test_table_lines_up() -> None:
    assert table({"a": 1.0, "long name": 123.4}).splitlines() == [
        "  a              1.0 s",
        "  long name    123.4 s",
    ]
    assert table({}) == ""
