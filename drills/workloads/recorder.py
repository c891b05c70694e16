"""What became of each write, recorded outside all machines: invoked, then ok, failed or unknown.

A workload is a program that runs on a client machine and prints one JSON line for each event:
``{"id": 7, "event": "invoked"}``, then the same id with ``ok`` (it is on disk), ``failed`` (it
certainly changed nothing) or ``unknown`` (the answer was lost). Each line is stamped when it
arrives here, by this machine's monotonic clock: the clients' own clocks are not believed. A write
that was acknowledged must be there whatever happened meanwhile.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import IO, Protocol

from drills.wait import wait_until

EVERY_S = 0.2
"""Five writes a second: the resolution of an outage, and little work for an emulated machine."""
FRESH = 10
"""Rows that a program writes after a failure with a look at how many there are: a server that has
just become the source has to have what was acknowledged before."""
OUTCOMES = ("ok", "failed", "unknown")


@dataclass(frozen=True, kw_only=True)
class Write:
    """One write; times are seconds of the recorder's monotonic clock."""

    id: int
    """Its number; larger than all before it."""
    invoked: float
    """When the program said that it begins."""
    ended: float | None = None
    """When its outcome was known; none while it is under way."""
    outcome: str = "unknown"
    """``ok``, ``failed`` or ``unknown``; a write under way may be there or not."""
    error: str = ""
    """What the client was told."""
    served: bool = True
    """Whether clients could have written so: the VIP was with the server."""
    server: str = ""
    """Which server answered, where the program says so."""
    rows: int | None = None
    """How many rows its server had then, this one too, where the program has looked."""


def apply_line(writes: dict[int, Write], line: str, *, at: float) -> None:
    """Take one line of a program in; anything that is no event of ours is left out."""
    try:
        event = json.loads(line)
        number, what = int(event["id"]), str(event["event"])
    except (ValueError, KeyError, TypeError):
        return
    if what == "invoked":
        writes[number] = Write(id=number, invoked=at)
    elif what in OUTCOMES and number in writes:
        error, served = str(event.get("error", "")), bool(event.get("served", True))
        server = str(event.get("server", ""))
        writes[number] = replace(
            writes[number],
            ended=at,
            outcome=what,
            error=error,
            served=served,
            server=server,
            rows=event.get("rows"),
        )


class Writes(Protocol):
    """What clients of one group have written so far."""

    def history(self) -> list[Write]:
        """Every write so far, by number."""

    def wait_for_more(self, count: int, *, timeout_s: float) -> None:
        """Wait until so many writes were acknowledged since now."""


class Recorder:
    """A running workload and its history so far."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._lock = threading.Lock()
        self._writes: dict[int, Write] = {}
        assert process.stdout is not None
        self._reader = threading.Thread(target=self._read, args=(process.stdout,), daemon=True)
        self._reader.start()

    def _read(self, output: IO[bytes]) -> None:
        for line in output:
            with self._lock:
                apply_line(self._writes, line.decode("utf-8", "replace"), at=time.monotonic())

    def history(self) -> list[Write]:
        """Every write so far, by number."""
        with self._lock:
            return sorted(self._writes.values(), key=lambda write: write.id)

    def acknowledged(self) -> list[Write]:
        """Every acknowledged write so far."""
        return acknowledged(self.history())

    def wait_for_more(self, count: int, *, timeout_s: float) -> None:
        """Wait until so many writes were acknowledged since now.

        Raises:
            RuntimeError: the program has ended: no further write will come.
        """
        wanted = len(self.acknowledged()) + count

        def enough() -> bool:
            ended = self._process.poll()
            if ended is not None:
                raise RuntimeError(f"The writing program ended by itself (exit {ended}).")
            return len(self.acknowledged()) >= wanted

        wait_until(enough, what=f"{count} more acknowledged writes", timeout_s=timeout_s)

    def stop(self) -> None:
        """End the workload; the connection's end ends the program on the machine."""
        end_group(self._process)
        self._reader.join(timeout=30)


def start_group(argv: Sequence[str], *, told: str = "") -> subprocess.Popen[bytes]:
    """Start a program in a process group of its own: ``pairwise exec`` has ssh as its child.

    Args:
        argv: the program. told: all of its standard input.
    """
    process = subprocess.Popen(
        argv,
        stdout=subprocess.PIPE,
        stdin=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    assert process.stdin is not None
    with suppress(BrokenPipeError), process.stdin as given:
        given.write(told.encode())
    return process


def end_group(process: subprocess.Popen[bytes]) -> None:
    """End a program of ``start_group`` with all its children."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    process.wait(timeout=30)


@contextmanager
def recording(argv: Sequence[str], *, told: str = "") -> Iterator[Recorder]:
    """Run a workload for as long as the block lasts; its history stays readable afterwards.

    Args:
        argv: what runs the program on its machine. told: all of its standard input.
    """
    process = start_group(argv, told=told)
    recorder = Recorder(process)
    try:
        yield recorder
    finally:
        recorder.stop()
        assert process.stdout is not None
        process.stdout.close()


def acknowledged(history: Sequence[Write]) -> list[Write]:
    """The writes of which the client was told that they are kept."""
    return [write for write in history if write.outcome == "ok"]


def served(history: Sequence[Write]) -> list[Write]:
    """Those of them that clients could have got."""
    return [write for write in acknowledged(history) if write.served]


@dataclass(frozen=True, kw_only=True)
class Gap:
    """The longest time between two acknowledgements in a row."""

    start: float
    """The last one before it, monotonic."""
    end: float
    """The first one after it."""

    @property
    def seconds(self) -> float:
        """Its length."""
        return self.end - self.start


def longest_gap(history: Sequence[Write]) -> Gap:
    """From the last good answer before the outage to the first one after it."""
    ends = sorted(write.ended for write in served(history) if write.ended is not None)
    gaps = [Gap(start=before, end=after) for before, after in pairwise(ends)]
    return max(gaps, key=lambda gap: gap.seconds, default=Gap(start=0.0, end=0.0))


def write_history(history: Sequence[Write], path: Path) -> None:
    """One JSON line for each write."""
    lines = [json.dumps(asdict(write)) for write in history]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
