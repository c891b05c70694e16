"""Appends unique, increasing numbers to a file and has each on disk before it counts.

The text of ``PROGRAM`` runs on the machine that mounts the share; it prints a number once fsync has
returned, and what it prints is recorded outside of all machines. A number that was printed is an
acknowledged write: it must be in the file whatever happened meanwhile.
"""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

from drills.wait import wait_until

PROGRAM = """\
import json, os, sys, time
path, every = sys.argv[1], float(sys.argv[2])
file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
number, due = 0, time.monotonic()
while True:
    number += 1
    begun = time.time()
    os.write(file, b"%d\\n" % number)
    os.fsync(file)
    print(json.dumps({"id": number, "begun": begun, "at": time.time()}), flush=True)
    due = max(due + every, time.monotonic())
    time.sleep(max(due - time.monotonic(), 0))
"""
"""Python source; arguments: path, seconds between two writes."""
EVERY_S = 0.2
"""Five writes a second: the resolution of an outage, and little work for an emulated machine."""


@dataclass(frozen=True, kw_only=True)
class Acknowledged:
    """One write of which the program was told that it is on disk."""

    id: int
    """The number."""
    begun: float
    """When the write was begun, seconds since the epoch, by the writer's clock."""
    at: float
    """When it was acknowledged."""


class Appender:
    """A running workload, and what was acknowledged to it."""

    def __init__(self, process: subprocess.Popen[bytes], record: Path) -> None:
        self._process, self._record = process, record
        self.acknowledged_at_end: list[Acknowledged] = []

    def acknowledged(self) -> list[Acknowledged]:
        """Every acknowledged write so far."""
        lines = self._record.read_text(encoding="utf-8").split("\n")[:-1]
        return [Acknowledged(**json.loads(line)) for line in lines if line.startswith("{")]

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
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(timeout=30)


@contextmanager
def appending(argv: Sequence[str]) -> Iterator[Appender]:
    """Run the workload for as long as the block lasts.

    Args:
        argv: what runs PROGRAM on the machine, with its arguments.
    """
    with TemporaryDirectory() as folder:
        record = Path(folder) / "acknowledged"
        with record.open("wb") as output:
            process = subprocess.Popen(argv, stdout=output, stdin=subprocess.DEVNULL)
            appender = Appender(process, record)
            try:
                yield appender
            finally:
                if process.poll() is None:
                    appender.stop()
                appender.acknowledged_at_end = appender.acknowledged()


def longest_gap(writes: Sequence[Acknowledged]) -> float:
    """The longest time between two acknowledgements in a row, in seconds."""
    return max((after.at - before.at for before, after in pairwise(writes)), default=0.0)


def lost(writes: Sequence[Acknowledged], found: Sequence[int]) -> list[int]:
    """Acknowledged numbers that are not in the file."""
    return sorted({write.id for write in writes} - set(found))
