"""The connection workload against a loopback server: what goes wrong is seen and counted."""

from __future__ import annotations

import asyncio
import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from drills.workloads.connections import new_run, run_load
from drills.workloads.kept import Load
from tests.drills.loopback import FILE, Answer, Loopback, answer, run_with, serve_file

VIP = "127.0.0.1"
SOURCES = ("127.0.1.1", "127.0.2.1", "127.0.3.1")


def load_of(server: Loopback, **changes: Any) -> Load:
    """200 connections that ask every 0.4 s, for one second."""
    values: dict[str, Any] = {
        "vips": (VIP,), "port": server.port, "connections": 200, "seconds": 1.0, "every_s": 0.4,
        "probe_hz": 0.0, "sources": SOURCES,
    }  # fmt: skip
    return Load(**{**values, **changes})


def run_against(behave: Answer, **changes: Any) -> tuple[dict[str, Any], Loopback]:
    """The result of a short run against a server that behaves in one way."""
    server = Loopback(behave)
    return run_with(server, lambda s: run_load(load_of(s, **changes))), server


def test_200_connections_are_held_and_each_asks_in_every_period() -> None:
    found, server = run_against(serve_file)
    seen = found["vips"][VIP]
    assert server.most == 200
    assert server.peers == set(SOURCES)
    assert (seen["all_were_open"], seen["fewest_open_before_t0"], seen["open_at_end"]) == (
        True, 200, 200,
    )  # fmt: skip
    assert seen["before_t0"]["failed"] == seen["before_t0"]["closed"] == 0
    assert 300 <= seen["before_t0"]["good"] <= 600
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
    found, _ = run_against(lambda *_: bad, sha256=expected)
    counts = found["vips"][VIP]["before_t0"]
    assert counts["good"] == 0 and counts["wrong"] >= 200
    assert words in counts["examples"][0]


def test_resets_are_counted_and_the_connection_is_opened_again() -> None:
    calls = iter(range(10**6))
    found, _ = run_against(lambda *_: None if next(calls) % 10 == 0 else answer(FILE), seconds=1.6)
    counts = found["vips"][VIP]["before_t0"]
    assert counts["reset"] >= 20 and counts["refused"] == counts["wrong"] == 0
    assert found["vips"][VIP]["fewest_open_before_t0"] < 200
    assert counts["good"] > counts["reset"] * 5


def test_a_server_that_refuses_is_seen() -> None:
    async def refused(server: Loopback) -> dict[str, Any]:
        await server.kill()
        return await run_load(load_of(server, probe_hz=8.0))

    found = run_with(Loopback(), refused)
    counts = found["vips"][VIP]["before_t0"]
    assert counts["good"] == 0 and counts["refused"] >= 200
    assert not found["vips"][VIP]["all_were_open"]
    assert found["php"]["before_t0"]["refused"] >= 4


def test_killed_and_back_all_recover_and_the_time_is_told() -> None:
    async def scenario(server: Loopback) -> dict[str, Any]:
        load = load_of(server, seconds=8.0)
        run = new_run(load)
        running = asyncio.create_task(run_load(load, run=run))
        await asyncio.sleep(0.6)
        run.set_mark()
        await server.kill()
        await asyncio.sleep(0.6)
        await server.start()
        async with asyncio.timeout(6):
            while len(run.held[VIP].recovered) < 200:
                await asyncio.sleep(0.05)
        run.stop.set()
        return await running

    seen = run_with(Loopback(), scenario)["vips"][VIP]
    assert seen["open_at_t0"] == seen["fewest_open_before_t0"] == 200
    assert seen["recovered"] == 200 and 0.6 <= seen["all_recovered_s"] < 6.0
    assert seen["before_t0"]["failed"] == 0
    assert seen["after_t0"]["refused"] > 0
    assert seen["after_t0"]["reset"] + seen["after_t0"]["closed"] >= 200


def test_without_recovery_there_is_no_time_of_recovery() -> None:
    async def scenario(server: Loopback) -> dict[str, Any]:
        load = load_of(server, seconds=1.2)
        run = new_run(load)
        running = asyncio.create_task(run_load(load, run=run))
        await asyncio.sleep(0.6)
        run.set_mark()
        await server.kill()
        return await running

    seen = run_with(Loopback(), scenario)["vips"][VIP]
    assert seen["recovered"] == 0 and seen["all_recovered_s"] is None


def test_an_answer_to_a_question_from_before_the_fault_is_no_recovery() -> None:
    async def scenario(server: Loopback) -> dict[str, Any]:
        server.delay_s = 0.4
        load = load_of(server, connections=20, seconds=1.2, every_s=0.1)
        run = new_run(load)
        running = asyncio.create_task(run_load(load, run=run))
        await asyncio.sleep(0.3)
        run.set_mark()
        await asyncio.sleep(0.3)
        await server.kill()
        return await running

    seen = run_with(Loopback(), scenario)["vips"][VIP]
    assert seen["open_at_t0"] == 20
    assert seen["before_t0"]["good"] > 0 and seen["recovered"] == 0


def test_the_php_probe_is_counted_beside() -> None:
    def behave(path: bytes, headers: dict[str, str]) -> bytes | None:
        del headers
        return answer(b"{}", status="502 Bad Gateway") if path == b"/app/visit" else answer(FILE)

    found, _ = run_against(behave, probe_hz=10.0)
    assert found["php"]["before_t0"]["wrong"] >= 5
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
        assert json.loads(err.decode().splitlines()[0])["open"] == {VIP: 20}
        return dict(json.loads(out))

    found = run_with(server, scenario)
    assert found["vips"][VIP]["open_at_end"] == 20
    assert 0 < found["client"]["bytes_per_connection"] < 500_000
