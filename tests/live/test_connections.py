"""9 000 kept connections over both VIPs, and a balancer that loses power under them."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from drills.observe import run_inside
from drills.running import ROOT, LiveStack
from drills.wait import wait_until
from tests.live.observed import watching
from tests.live.test_failover import record
from tests.live.web import vips_of

CONNECTIONS, MIN_PER_VIP = 9000, 4000
"""The document's load, and the issue's least share of each VIP."""
EVERY_S, STEADY_S = 30.0, 180.0
RECOVERY_S = 60.0
"""All connections have had a good answer this long after a power cut."""
LONGEST_S = 900.0
"""End of a client that nobody ends."""
STATUS_URL = "http://127.0.0.1:8080/status"
PROBE = ROOT / "bootstrap" / "blocks" / "php_web" / "app" / "static" / "probe.txt"
MAX_LAG_S = 1.0
"""A client that comes later than that measures itself."""


@dataclass
class Client:
    """The running workload: its progress now, its result at the end."""

    process: subprocess.Popen[bytes]
    folder: Path

    def progress(self) -> dict[str, Any]:
        """Its last line; a client that died is an error with its words."""
        text = (self.folder / "progress").read_text(encoding="utf-8")
        if self.process.poll() is not None:
            raise RuntimeError(f"The client ended ({self.process.returncode}): {text[-2000:]}")
        lines = text.split("\n")[:-1]
        return dict(json.loads(lines[-1])) if lines else {}

    def end(self) -> dict[str, Any]:
        """Let it print its result."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=60)
        return dict(json.loads((self.folder / "result").read_text(encoding="utf-8")))


@contextmanager
def client_of(stack: LiveStack, sources: list[str]) -> Iterator[Client]:
    """The workload inside the lab's namespace at nice 10."""
    given = [word for source in sources for word in ("--source", source)]
    command = [
        *run_inside(stack.netns, "drills.workloads.connections"),
        "--connections", str(CONNECTIONS), "--every", str(EVERY_S), "--seconds", str(LONGEST_S),
        "--sha256", hashlib.sha256(PROBE.read_bytes()).hexdigest(), *given, *vips_of(stack),
    ]  # fmt: skip
    with TemporaryDirectory() as name:
        folder = Path(name)
        with (folder / "result").open("wb") as out, (folder / "progress").open("wb") as err:
            process = subprocess.Popen(command, stdout=out, stderr=err, cwd=ROOT)
            try:
                yield Client(process, folder)
            finally:
                if process.poll() is None:
                    process.kill()
                    process.wait()


def active_connections(stack: LiveStack, node: str) -> int:
    """Client connections by the balancer's own count."""
    first = stack.exec(node, f"curl --silent --fail --max-time 10 {STATUS_URL}").splitlines()[0]
    return int(first.removeprefix("Active connections:"))


def available_bytes(stack: LiveStack, node: str) -> int:
    """Memory that a machine could still give (proc(5), MemAvailable)."""
    return int(stack.exec(node, "awk '/^MemAvailable:/ {print $2}' /proc/meminfo")) * 1024


def open_all(client: Client) -> None:
    """Wait until every connection is open; they open within one period."""
    wait_until(
        lambda: sum(client.progress().get("open", {"none": 0}).values()) == CONNECTIONS,
        what=f"{CONNECTIONS} connections to be open",
        timeout_s=EVERY_S * 3,
        every_s=1,
    )


def steady_until(client: Client, due: float) -> None:
    """Let time pass while the client lives."""
    wait_until(
        lambda: client.progress() and time.monotonic() >= due,
        what="steady time to pass",
        timeout_s=STEADY_S,
        every_s=1,
    )


def run_until_recovered(
    six: LiveStack, clients: list[str], dead: str
) -> tuple[dict[str, Any], list[dict[str, int]]]:
    """Three steady minutes, then the power cut; the result and the balancers' counts."""
    nodes = ("lb1", "lb2")
    free = {node: available_bytes(six, node) for node in nodes}
    counts: list[dict[str, int]] = []
    with client_of(six, clients) as client:
        open_all(client)
        start = time.monotonic()
        used = {node: free[node] - available_bytes(six, node) for node in nodes}
        for minute in range(1, 4):
            counts.append({node: active_connections(six, node) for node in nodes})
            steady_until(client, start + minute * STEADY_S / 3)
        counts.append({node: active_connections(six, node) for node in nodes})
        # The client's t0 comes first: what it then counts as recovery is never too short.
        client.process.send_signal(signal.SIGUSR1)
        six.crash(dead)
        try:
            wait_until(
                lambda: client.progress()["recovered"] == CONNECTIONS,
                what=f"a good answer on all {CONNECTIONS} connections",
                timeout_s=RECOVERY_S * 2,
                every_s=1,
            )
        finally:
            result = client.end()
    least = {node: min(count[node] for count in counts) for node in nodes}
    result["balancers"] = {
        node: {"active": least[node], "bytes_per_connection": used[node] // least[node]}
        for node in nodes
    }
    return result, counts


@pytest.mark.load
def test_9000_connections_are_held_and_outlive_a_balancer(
    six: LiveStack, clients: list[str]
) -> None:
    with watching(six, http=False) as watch:
        try:
            result, counts = run_until_recovered(six, clients, "lb1")
        finally:
            six.start("lb1")
        six.wait_until_steady(timeout_s=300)
    result["lab"] = [f"{os.cpu_count()} cores for all machines and the client; lb1 lost power."]
    record("connections", result)
    print(f"bytes per connection: client {result['client']['bytes_per_connection']}")
    print(f"bytes per connection: balancers {result['balancers']}")
    watch.assert_never_two_holders()
    assert result["source_addresses"] >= 20
    assert result["client"]["longest_lag_s"] <= MAX_LAG_S, "the client was starved: no verdict"
    for count in counts:
        assert all(active >= MIN_PER_VIP for active in count.values()), counts
    for seen in result["vips"].values():
        assert_steady(seen)
        assert seen["recovered"] == seen["connections"]
        assert seen["all_recovered_s"] <= RECOVERY_S
    php = result["php"]
    assert php["before_t0"]["failed"] == 0 and php["before_t0"]["good"] >= STEADY_S, php
    assert php["after_t0"]["good"] > 0


def assert_steady(seen: dict[str, Any]) -> None:
    """Everything was open all the time, asked in each period, and nothing went wrong."""
    before = seen["before_t0"]
    assert seen["connections"] >= MIN_PER_VIP
    assert seen["fewest_open_before_t0"] == seen["open_at_t0"] == seen["connections"], seen
    assert before["failed"] == before["closed"] == 0, before
    assert before["good"] >= seen["connections"] * STEADY_S / EVERY_S, before
