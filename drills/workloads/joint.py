"""Several programs that write to one group, each on a machine of its own that may go and come back.

A program is started again when its connection has ended, with numbers that it has never used: what
it said last may be lost on the way, so that a few more numbers than heard of may be there.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from drills.again import Again
from drills.wait import wait_until
from drills.workloads.recorder import Write, apply_line, served

UNHEARD = 5
"""Writes of one program at most whose lines are lost when its machine dies: one second of them."""
SKIP = 1000
"""Numbers left out at each new start."""
AGAIN_S = 2.0
"""Before a program is started again whose machine may be off."""

Argv = Callable[[int, int], Sequence[str]]
"""From the first number and the step to the next one to a program's command line."""


class Lasting:
    """One of the programs, and its writes."""

    def __init__(self, argv: Argv, *, first: int, step: int) -> None:
        self._step, self._last = step, first - step
        self._writes: dict[int, Write] = {}
        self._lock = threading.Lock()
        self._program = Again(
            lambda: argv(self._last + step, step),
            self._take,
            pause_s=AGAIN_S,
            ended=self._unheard,
        )

    def _take(self, line: str) -> None:
        with self._lock:
            apply_line(self._writes, line, at=time.monotonic())

    def _unheard(self) -> None:
        """Numbers that it may have written and that nobody heard of."""
        with self._lock:
            self._last = max(self._writes, default=self._last)
            for _ in range(UNHEARD):
                self._last += self._step
                self._writes[self._last] = Write(id=self._last, invoked=time.monotonic())
            self._last += SKIP * self._step

    def history(self) -> list[Write]:
        """Its writes so far."""
        with self._lock:
            return list(self._writes.values())

    def stop(self) -> None:
        """End it."""
        self._program.stop()


class Joint:
    """All of them as one history."""

    def __init__(self, parts: Sequence[Lasting]) -> None:
        self.parts = parts

    def history(self) -> list[Write]:
        """Every write so far, by number."""
        found = [write for part in self.parts for write in part.history()]
        return sorted(found, key=lambda write: write.id)

    def wait_for_more(self, count: int, *, timeout_s: float) -> None:
        """Wait until so many writes that clients could have got were acknowledged since now."""
        wanted = len(served(self.history())) + count
        what = f"{count} more acknowledged writes"
        wait_until(lambda: len(served(self.history())) >= wanted, what=what, timeout_s=timeout_s)


@contextmanager
def writing(programs: Sequence[Argv]) -> Iterator[Joint]:
    """Run programs for as long as the block lasts, each with numbers of its own."""
    step = len(programs)
    parts = [Lasting(argv, first=place + 1, step=step) for place, argv in enumerate(programs)]
    try:
        yield Joint(parts)
    finally:
        for part in parts:
            part.stop()
