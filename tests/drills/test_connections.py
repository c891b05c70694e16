"""The connection workload against a loopback server: what goes wrong is seen and counted."""

from __future__ import annotations

import asyncio
import hashlib
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from drills.workloads.connections import new_run, run_load
from drills.workloads.kept import Load, Run
from drills.workloads.tally import Tally
from tests.drills.loopback import FILE, Loopback, answer, run_with

VIP = "127.0.0.1"
LONGEST_S = 30.0
"""Deadline of a run that ends when it has seen enough; a loaded machine is slow."""
SOURCES = ("127.0.1.1", "127.0.2.1", "127.0.3.1")


def load_of(server: Loopback, **changes: Any) -> Load:
    """200 connections that ask every 0.4 s."""
    values: dict[str, Any] = {
        "vips": (VIP,), "port": server.port, "connections": 200, "seconds": LONGEST_S,
        "every_s": 0.4, "probe_hz": 0.0, "sources": SOURCES,
    }  # fmt: skip
    return Load(**{**values, **changes})


async def seen_by(run: Run, enough: Callable[[Run], bool]) -> None:
    """Wait until a run has counted enough."""
    async with asyncio.timeout(LONGEST_S):
        while not enough(run):
            await asyncio.sleep(0.02)


async def run_until(enough: Callable[[Run], bool], load: Load) -> dict[str, Any]:
    """The result of a run that ends when it has counted enough."""
    run = new_run(load)
    running = asyncio.create_task(run_load(load, run=run))
    try:
        await seen_by(run, enough)
    finally:
        run.stop.set()
        found = await running
    return found


def run_against(server: Loopback, enough: Callable[[Run], bool], **changes: Any) -> dict[str, Any]:
    """The result of a run against a server until it has counted enough."""
    return run_with(server, lambda s: run_until(enough, load_of(s, **changes)))


def before(run: Run) -> Tally:
    """What was counted before t0."""
    return run.held[VIP].before


def test_200_connections_are_held_and_each_asks_in_every_period() -> None:
    begun, server = time.monotonic(), Loopback()
    found = run_against(server, lambda run: before(run).good >= 500)
    periods = (time.monotonic() - begun) / 0.4
    seen = found["vips"][VIP]
    assert server.most == 200
    assert server.peers == set(SOURCES)
    assert (seen["all_were_open"], seen["fewest_open_before_t0"], seen["open_at_end"]) == (
        True, 200, 200,
    )  # fmt: skip
    assert seen["before_t0"]["failed"] == seen["before_t0"]["closed"] == 0
    assert 500 <= seen["before_t0"]["good"] <= 200 * (periods + 1)
    assert 0 < seen["before_t0"]["median_ms"] <= seen["before_t0"]["p99_ms"]


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (answer(b"y" * 1024), "yyy"),
        (answer(b"x" * 1023), "xxx"),
        (answer(FILE, status="503 Service Unavailable"), "status 503"),
        (b"SSH-2.0-OpenSSH_10.0\r\n\r\n", "no status line"),
    ],
)
def test_a_wrong_answer_is_no_good_answer(bad: bytes, words: str) -> None:
    expected = hashlib.sha256(FILE).hexdigest()
    server = Loopback(lambda *_: bad)
    found = run_against(server, lambda run: before(run).wrong >= 200, sha256=expected)
    counts = found["vips"][VIP]["before_t0"]
    assert counts["good"] == 0 and counts["wrong"] >= 200
    assert words in counts["examples"][0]


def test_resets_are_counted_and_the_connection_is_opened_again() -> None:
    calls, server = iter(range(10**6)), Loopback()

    def one_in_ten(*_: object) -> bytes | None:
        return None if server.most == 200 and next(calls) % 10 == 9 else answer(FILE)

    server.behave = one_in_ten
    found = run_against(server, lambda run: before(run).reset >= 20 and before(run).good >= 300)
    counts = found["vips"][VIP]["before_t0"]
    assert counts["reset"] >= 20 and counts["refused"] == counts["wrong"] == 0
    assert found["vips"][VIP]["fewest_open_before_t0"] < 200
    assert counts["good"] > counts["reset"] * 5


def test_a_server_that_refuses_is_seen() -> None:
    async def refused(server: Loopback) -> dict[str, Any]:
        await server.kill()
        return await run_until(
            lambda run: before(run).refused >= 200 and run.probes[0].refused >= 4,
            load_of(server, probe_hz=8.0),
        )

    found = run_with(Loopback(), refused)
    counts = found["vips"][VIP]["before_t0"]
    assert counts["good"] == 0 and counts["refused"] >= 200
    assert not found["vips"][VIP]["all_were_open"]
    assert found["php"]["before_t0"]["refused"] >= 4


def test_killed_and_back_all_recover_and_the_time_is_told() -> None:
    async def scenario(server: Loopback) -> dict[str, Any]:
        run = new_run(load := load_of(server))
        running = asyncio.create_task(run_load(load, run=run))
        await seen_by(run, lambda run: run.held[VIP].complete)
        await server.kill()
        run.set_mark()
        await seen_by(run, lambda run: run.held[VIP].after.refused >= 200)
        assert not run.held[VIP].recovered
        await server.start()
        await seen_by(run, lambda run: len(run.held[VIP].recovered) == 200)
        run.stop.set()
        return await running

    seen = run_with(Loopback(), scenario)["vips"][VIP]
    assert seen["recovered"] == 200 and 0 < seen["all_recovered_s"] < LONGEST_S
    assert seen["before_t0"]["refused"] == 0 and seen["after_t0"]["refused"] >= 200


def test_without_recovery_there_is_no_time_of_recovery() -> None:
    async def scenario(server: Loopback) -> dict[str, Any]:
        run = new_run(load := load_of(server))
        running = asyncio.create_task(run_load(load, run=run))
        await seen_by(run, lambda run: run.held[VIP].complete)
        run.set_mark()
        await seen_by(run, lambda run: len(run.held[VIP].recovered) >= 20)
        await server.kill()
        run.stop.set()
        return await running

    seen = run_with(Loopback(), scenario)["vips"][VIP]
    assert seen["open_at_t0"] == seen["fewest_open_before_t0"] == 200
    assert seen["before_t0"]["failed"] == 0
    assert 20 <= seen["recovered"] < 200 and seen["all_recovered_s"] is None


def test_an_answer_to_a_question_from_before_the_fault_is_no_recovery() -> None:
    async def scenario(server: Loopback) -> dict[str, Any]:
        server.delay_s = 0.5
        run = new_run(load := load_of(server, connections=20, every_s=0.1))
        running = asyncio.create_task(run_load(load, run=run))
        await seen_by(run, lambda run: run.held[VIP].complete)
        run.set_mark()
        await seen_by(run, lambda run: before(run).good == 20)
        run.stop.set()
        return await running

    seen = run_with(Loopback(), scenario)["vips"][VIP]
    assert seen["open_at_t0"] == 20
    assert seen["before_t0"]["good"] == 20 and seen["recovered"] == 0


def test_the_php_probe_is_counted_beside() -> None:
    def behave(path: bytes, headers: dict[str, str]) -> bytes | None:
        del headers
        return answer(b"{}", status="502 Bad Gateway") if path == b"/app/visit" else answer(FILE)

    found = run_against(
        Loopback(behave),
        lambda run: run.probes[0].wrong >= 5 and before(run).good >= 200,
        probe_hz=10.0,
    )
    assert found["php"]["before_t0"]["good"] == 0
    assert found["vips"][VIP]["before_t0"]["wrong"] == 0


def test_the_program_prints_one_result_and_progress_apart() -> None:
    server = Loopback()

    async def scenario(server: Loopback) -> dict[str, Any]:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "drills.workloads.connections", VIP, "--port", str(server.port),
            "--connections", "20", "--seconds", "2", "--every", "0.5", "--probe-hz", "0",
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            cwd=Path(__file__).parent.parent.parent,
        )  # fmt: skip
        out, err = await process.communicate()
        assert process.returncode == 0, err.decode()
        assert json.loads(err.decode().splitlines()[-1])["open"] == {VIP: 20}
        return dict(json.loads(out))

    found = run_with(server, scenario)
    assert found["vips"][VIP]["open_at_end"] == 20
    assert 0 < found["client"]["bytes_per_connection"] < 500_000
