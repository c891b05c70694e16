"""The reconciler's connection: what a slow login, an error and a silence leave of it."""

from __future__ import annotations

import socket
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from bootstrap.shared import mysql_client as sql
from bootstrap.shared.mysql_client import Connection, SqlError

CLIENT = """
import re, sys, time
time.sleep({login_s})
for number, line in enumerate(sys.stdin, 1):
    found = re.match("SELECT '(.*)' AS", line)
    if "silence" in line:
        time.sleep(60)
    elif "late" in line:
        time.sleep(1.5)
        print("late\\n0", flush=True)
    elif "error" in line:
        sys.exit("ERROR 1290 (HY000): no")
    else:
        print(f"{{found[1]}}\\n{{found[1]}}" if found else f"line\\n{{number}}", flush=True)
"""
"""Answers as ``mysql --batch`` does: a heading, then the row. The row is the line's number."""


def connection(*, login_s: float = 0) -> Connection:
    made = Connection([])
    made.argv = [sys.executable, "-c", CLIENT.format(login_s=login_s)]
    return made


def ask(over: Connection, text: str = "x;", *, timeout_s: float = 10) -> list[list[str]]:
    return over.ask(text, timeout_s=timeout_s, begin=True, again=True)


def test_answers_follow_each_other_over_one_client() -> None:
    over = connection()
    assert ask(over) == [["line"], ["1"]]
    process = over.process
    assert ask(over, "x;\ny;") == [["line"], ["3"], ["line"], ["4"]]
    assert over.process is process
    over.close()


def test_a_client_that_still_logs_in_is_left_to_it_and_only_the_last_question_counts() -> None:
    over = connection(login_s=1.5)
    with pytest.raises(SqlError, match="not logged in yet"):
        ask(over, timeout_s=0.2)
    with pytest.raises(SqlError, match="not logged in yet"):
        ask(over, timeout_s=0.2)
    process = over.process
    assert ask(over) == [["line"], ["5"]]
    assert over.process is process
    over.close()


def test_a_login_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sql, "LOGIN_S", 0.1)
    over = connection(login_s=60)
    with pytest.raises(SqlError, match="no answer in time"):
        ask(over, timeout_s=0.3)
    assert over.process is None


def test_a_login_that_is_refused_late_says_why() -> None:
    over = connection(login_s=1)
    with pytest.raises(SqlError, match="not logged in yet"):
        ask(over, "error;", timeout_s=0.1)
    process = over.process
    assert process is not None
    process.wait(timeout=10)
    with pytest.raises(SqlError, match="ERROR 1290"):
        ask(over)
    assert ask(over) == [["line"], ["1"]]
    over.close()


def test_what_is_done_is_never_left_to_a_client_that_logs_in() -> None:
    over = connection(login_s=60)
    with pytest.raises(SqlError, match="no answer in time"):
        over.ask("x;", timeout_s=0.2, begin=True)
    assert over.process is None
    with pytest.raises(SqlError, match="the connection is gone"):
        over.ask("x;", timeout_s=0.2, begin=False)


def test_a_late_answer_is_waited_for_and_is_not_taken_for_that_to_a_later_question() -> None:
    over = connection()
    ask(over)
    process = over.process
    with pytest.raises(SqlError, match="no answer in time"):
        ask(over, "late;", timeout_s=0.2)
    assert over.process is process
    assert ask(over) == [["line"], ["5"]]
    assert over.process is process
    over.close()


def test_a_silent_server_and_an_error_end_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sql, "LATE_S", 0.3)
    over = connection()
    ask(over)
    begun = time.monotonic()
    for _ in range(2):
        with pytest.raises(SqlError, match="no answer in time"):
            ask(over, "silence;", timeout_s=0.4)
    assert time.monotonic() - begun < 5
    assert over.process is None
    ask(over)
    with pytest.raises(SqlError, match="ERROR 1290"):
        ask(over, "error;")
    assert over.process is None


def test_no_client_is_started_for_a_server_that_is_not_there(tmp_path: Path) -> None:
    place = str(tmp_path / "socket")
    over = connection()
    over.closed = partial(sql.is_closed, socket.AF_UNIX, place)
    with pytest.raises(SqlError, match=sql.NOBODY):
        ask(over)
    assert over.process is None
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(place)
        # A socket that a killed server has left.
        with pytest.raises(SqlError, match=sql.NOBODY):
            ask(over)
        server.listen()
        assert ask(over) == [["line"], ["1"]]
    # One that has logged in is asked, whatever becomes of the place.
    assert ask(over) == [["line"], ["3"]]
    over.close()


@pytest.mark.parametrize(
    ("words", "refused"),
    [
        (sql.NOBODY, True),
        ("ERROR 2003 (HY000): Can't connect to MySQL server on '10.73.2.12:3306' (111)", True),
        ("ERROR 1040 (HY000): Too many connections", True),
        ("ERROR 3032 (HY000): The server is currently in offline mode", True),
        ("ERROR 2003 (HY000): Can't connect to MySQL server on '10.73.2.12:3306' (113)", False),
        ("ERROR 2003 (HY000): Can't connect to MySQL server on '10.73.2.12:3306' (110)", False),
        ("ERROR 2013 (HY000): Lost connection to MySQL server", False),
        ("no answer in time", False),
    ],
)
def test_a_machine_that_refuses_is_not_a_silent_one(words: str, refused: bool) -> None:
    assert sql.is_refused(f"no answer of the peer server: {words}") is refused
