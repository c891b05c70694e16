"""The workload on a pair's own nodes: what counts as written, and what happens when one goes."""

from __future__ import annotations

import socket
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from drills.checkers import lost, never_asked_for
from drills.wait import wait_until
from drills.workloads.joint import SKIP, UNHEARD, Argv, writing
from drills.workloads.local_append import PROGRAM, command
from drills.workloads.recorder import FRESH, Write, longest_gap, recording
from stacks.plan_types import Plan
from tests.golden.tree import plans

CLIENT = """
import re, sys
table, closed, ends = sys.argv[1:]
for line in sys.stdin:
    if "@@read_only" in line:
        print(closed, flush=True)
        continue
    number = re.search(r"VALUES .(.*?).; SELECT (?:CONCAT.)?'([^']*)'", line)
    if ends == "refused":
        sys.exit("ERROR 1290 (HY000): read-only")
    if ends == "dies":
        sys.exit("ERROR 2013 (HY000): Lost connection")
    open(table, "a").write(number[1] + "\\n")
    rows = len(open(table).readlines()) if "COUNT(*)" in line else ""
    print(number[2] + str(rows), flush=True)
"""
HERE, ELSEWHERE = "127.0.0.1", "192.0.2.9"


def argv(
    table: Path,
    *,
    closed: str = "0",
    ends: str = "",
    vip: str = HERE,
    first: int = 1,
    step: int = 2,
) -> list[str]:
    given = [str(first), str(step), "0.01", "5", "5", "site.t", vip]
    return [sys.executable, "-c", PROGRAM, *given, sys.executable, "-c", CLIENT, str(table),
            closed, ends]  # fmt: skip


def numbers(table: Path) -> list[int]:
    return [int(line) for line in table.read_text().split()] if table.exists() else []


def test_what_is_acknowledged_is_there_and_numbered_apart(tmp_path: Path) -> None:
    with recording(argv(tmp_path / "t")) as recorder:
        recorder.wait_for_more(20, timeout_s=20)
    history = recorder.history()
    assert lost(history, numbers(tmp_path / "t")) == []
    assert [write.id for write in history[:3]] == [1, 3, 5]
    assert all(write.served for write in recorder.acknowledged())


def test_the_first_rows_come_with_how_many_there_are(tmp_path: Path) -> None:
    (tmp_path / "t").write_text("901\n902\n903\n")
    with recording(argv(tmp_path / "t")) as recorder:
        recorder.wait_for_more(FRESH + 5, timeout_s=20)
    looked = [write.rows for write in recorder.acknowledged()]
    assert looked[:FRESH] == list(range(4, 4 + FRESH))
    assert set(looked[FRESH:]) == {None}


def test_what_no_client_could_have_written_ends_no_outage(tmp_path: Path) -> None:
    with recording(argv(tmp_path / "t", vip=ELSEWHERE)) as recorder:
        wait_until(lambda: len(recorder.acknowledged()) > 5, what="writes", timeout_s=20)
    assert not any(write.served for write in recorder.acknowledged())
    assert longest_gap(recorder.history()).seconds == 0.0


@pytest.mark.parametrize(
    ("closed", "ends", "outcome"),
    [("1", "", "failed"), ("0", "refused", "failed"), ("0", "dies", "unknown")],
)
def test_a_write_that_was_refused_has_failed_and_one_without_answer_is_unknown(
    tmp_path: Path, closed: str, ends: str, outcome: str
) -> None:
    with recording(argv(tmp_path / "t", closed=closed, ends=ends)) as recorder:
        wait_until(
            lambda: [w for w in recorder.history() if w.ended], what="an outcome", timeout_s=20
        )
    done = [write for write in recorder.history() if write.ended]
    assert {write.outcome for write in done} == {outcome}
    assert numbers(tmp_path / "t") == []


def test_no_client_is_started_while_nobody_listens(tmp_path: Path) -> None:
    place, started = tmp_path / "socket", tmp_path / "started"
    client = ["sh", "-c", f"echo >>{started}; echo 0; exec cat", f"--socket={place}"]
    given = ["1", "2", "0.01", "5", "5", "site.t", HERE]
    with recording([sys.executable, "-c", PROGRAM, *given, *client]) as recorder:
        wait_until(lambda: len(recorder.history()) > 5, what="tries", timeout_s=20)
        assert {write.outcome for write in recorder.history()[:5]} == {"failed"}
        assert not started.exists()
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(place))
            server.listen()
            wait_until(started.exists, what="a client", timeout_s=20)


def test_a_program_whose_machine_goes_is_started_again_with_other_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("drills.workloads.joint.AGAIN_S", 0.1)
    begun: list[int] = []

    def once(first: int, step: int) -> Sequence[str]:
        """Writes three rows, is heard of two, and ends."""
        begun.append(first)
        ids = [first + step * n for n in range(3)]
        rows = "".join(f"{number}\n" for number in ids)
        with (tmp_path / "t").open("a") as file:
            file.write(rows)
        lines = [f'{{"id": {n}, "event": "{e}"}}' for n in ids[:2] for e in ("invoked", "ok")]
        return ["printf", "%s\n", *lines]

    def other(first: int, step: int) -> Sequence[str]:
        return argv(tmp_path / "t", first=first, step=step)

    programs: list[Argv] = [once, other]
    with writing(programs) as joint:
        joint.wait_for_more(10, timeout_s=20)
        wait_until(lambda: len(begun) >= 3, what="three starts", timeout_s=20)
    history = joint.history()
    assert begun[:2] == [1, 1 + 2 * (1 + UNHEARD + SKIP + 1)]
    assert [write.id for write in history] == sorted({write.id for write in history})
    found = numbers(tmp_path / "t")
    assert len(found) == len(set(found))
    assert lost(history, found) == []
    assert never_asked_for(history, found) == []
    unheard = [write for write in history if write.ended is None]
    assert {write.outcome for write in unheard} == {"unknown"}


def test_a_history_of_both_nodes_has_one_outage() -> None:
    writes = [Write(id=n, invoked=n, ended=float(n), outcome="ok") for n in (1, 2, 9, 10)]
    stale = Write(id=4, invoked=5, ended=5.0, outcome="ok", served=False)
    assert longest_gap([*writes, stale]).seconds == 7.0


def test_the_command_holds_no_secret_and_names_the_vip() -> None:
    plan: Plan = plans()["duo"]
    gtid = plan.nodes["server1"].gtid
    assert gtid is not None
    text = command(gtid.mysql.database, gtid.mysql.vip)
    assert "--user=root" in text and "10.73.2.150" in text
