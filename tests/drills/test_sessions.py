"""The session workload against a loopback application, and the judge of its history."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from drills.workloads.history import (
    Failures,
    Line,
    broken_sessions,
    failures,
    first_nodes,
    good_since,
    sessions,
)
from drills.workloads.sessions import COOKIE, Crowd, run_crowd
from tests.drills.loopback import Answer, Loopback, answer, run_with

ENOUGH = 48 * 6
"""Requests after which each of 48 clients has visited and read several times."""
SOURCES = tuple(f"127.0.{number}.1" for number in range(1, 25))


def line(op: str, visits: int, *, at: float = 0.0, **changes: Any) -> Line:
    """One answered request of client 0."""
    told = {"node": "web2", "session": "s", "first_node": "web1", "visits": visits}
    told |= changes.pop("answer", {})
    usual = {"client": 0, "op": op, "invoked": at, "ended": at + 0.1, "outcome": "ok"}
    return {**usual, "answer": told, **changes}


class Application:
    """Visits counted in a dictionary, as the sample application does."""

    def __init__(self) -> None:
        self.visits: dict[str, int] = {}

    def __call__(self, path: bytes, headers: dict[str, str]) -> bytes | None:
        given = headers.get("Cookie", "").removeprefix(f"{COOKIE}=")
        session = given or f"s{len(self.visits)}"
        if path == b"/app/visit":
            self.visits[session] = self.visits.get(session, 0) + 1
        seen = self.visits.get(session, 0)
        told = {"node": "web1", "session": session, "visits": seen, "client": ""}
        told["first_node"] = "web1" if seen else None
        return answer(
            json.dumps(told).encode(), extra=f"Set-Cookie: {COOKIE}={session}; path=/\r\n"
        )


def history_of(
    behave: Answer, capsys: pytest.CaptureFixture[str], *, middle: Callable[[], None] | None = None
) -> tuple[list[Line], Loopback]:
    """What 48 clients print about a dozen requests each; ``middle`` is called half-way."""

    async def scenario(server: Loopback) -> dict[str, Any]:
        stop = asyncio.Event()
        crowd = Crowd(
            vips=("127.0.0.1",), port=server.port, clients=48, every_s=0.1, sources=SOURCES
        )
        running = asyncio.create_task(run_crowd(crowd, stop=stop))
        for requests, act in ((ENOUGH, middle), (2 * ENOUGH, stop.set)):
            async with asyncio.timeout(30):
                while server.asked < requests:
                    await asyncio.sleep(0.02)
            if act is not None:
                act()
        await running
        return {}

    server = Loopback(behave)
    run_with(server, scenario)
    return [json.loads(text) for text in capsys.readouterr().out.splitlines()], server


def test_each_client_keeps_one_session_and_comes_from_many_networks(
    capsys: pytest.CaptureFixture[str],
) -> None:
    history, server = history_of(Application(), capsys)
    assert len(server.peers) == 24
    assert len(set(sessions(history).values())) == 48
    assert {line["outcome"] for line in history} == {"ok"}
    assert len(good_since(history, at=0, op="session")) == 48
    assert first_nodes(history) == {"web1": 48}
    assert broken_sessions(history) == []


def test_a_store_that_forgets_is_seen(capsys: pytest.CaptureFixture[str]) -> None:
    application = Application()
    history, _ = history_of(application, capsys, middle=application.visits.clear)
    assert len(broken_sessions(history)) >= 48


def test_a_store_that_forgets_one_visit_is_seen(capsys: pytest.CaptureFixture[str]) -> None:
    application = Application()

    def forget() -> None:
        application.visits["s7"] -= 1

    history, _ = history_of(application, capsys, middle=forget)
    assert len({text.split(" at ")[0] for text in broken_sessions(history)}) == 1


def test_failed_requests_are_in_the_history(capsys: pytest.CaptureFixture[str]) -> None:
    application = Application()
    calls = iter(range(10**6))

    def behave(path: bytes, headers: dict[str, str]) -> bytes | None:
        told = application(path, headers)
        return None if next(calls) % 10 == 9 else told

    history, _ = history_of(behave, capsys)
    outcomes = {(line["op"], line["outcome"]) for line in history}
    assert ("visit", "unknown") in outcomes and ("session", "failed") in outcomes
    seen = failures(history, start=0, end=float("inf"))
    assert 0.05 < seen.share < 0.15
    # First visits that broke were counted in sessions that no client knows: none is broken.
    assert broken_sessions(history) == []


def test_an_unknown_visit_may_count_or_not() -> None:
    begun = [line("visit", 1, at=1), line("visit", 0, at=2, outcome="unknown", answer={})]
    assert broken_sessions([*begun, line("session", 1, at=3)]) == []
    assert broken_sessions([*begun, line("session", 2, at=3)]) == []
    assert len(broken_sessions([*begun, line("session", 3, at=3)])) == 1
    assert broken_sessions([*begun, line("session", 3, at=3)], repeats=1) == []
    late = [line("session", 1, at=3), line("session", 2, at=4)]
    assert broken_sessions([*begun, *late]) == []


@pytest.mark.parametrize(
    "after",
    [
        line("session", 1, at=3),
        line("visit", 2, at=3),
        line("session", 2, at=3, answer={"session": "other"}),
        line("session", 0, at=3, answer={"first_node": None}),
    ],
)
def test_an_acknowledged_visit_must_not_be_lost(after: Line) -> None:
    begun = [line("visit", 1, at=1), line("visit", 2, at=2)]
    assert broken_sessions([*begun, line("session", 2, at=3)]) == []
    assert len(broken_sessions([*begun, after])) == 1


def test_failures_are_a_share_of_those_in_flight() -> None:
    history = [
        line("visit", 1, at=0.0),
        line("visit", 2, at=9.95),
        line("session", 2, at=9.98, ended=12.0, outcome="failed"),
        line("visit", 3, at=11.0),
        line("session", 3, at=30.0, outcome="failed"),
    ]
    seen = failures(history, start=10.0, end=20.0)
    assert seen == Failures(
        in_flight=3, failed=1, in_flight_at_start=2, failed_at_start=1, slowest_s=2.02
    )
    assert failures([], start=0, end=1).share == 1.0
