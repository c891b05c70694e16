"""The one wait of drills and live tests: a condition, a deadline, and what was seen last.

Beside it the pace of a workload and the length of a fault, which wait for nothing to happen.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class DeadlinePassedError(AssertionError):
    """A condition did not come true in time; the text says what was seen last."""


def wait_until(
    condition: Callable[[], T],
    *,
    what: str,
    timeout_s: float,
    every_s: float = 0.2,
    shown: Callable[[], object] | None = None,
) -> T:
    """Ask until the answer is true and return it.

    Args:
        condition: Called every ``every_s`` seconds; its last answer is shown on failure.
        what: Completes the sentence "waited for".
        timeout_s: The deadline; there is no default, every wait states its own.
        every_s: Seconds between two questions.
        shown: What says more than the last answer, on failure.

    Raises:
        DeadlinePassedError: the condition was not true in time.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() >= deadline:
            seen = shown() if shown is not None else answer
            text = f"Waited {timeout_s:g} s for {what}; the last answer was {seen!r}."
            raise DeadlinePassedError(text)
        time.sleep(every_s)


def last(seconds: float) -> None:
    """Let a fault last so long: a span that is part of the fault itself, never a wait for
    something to happen."""
    time.sleep(seconds)


async def pace(due: float) -> None:
    """Let other tasks run until an instant of the monotonic clock; one that is past is now."""
    await asyncio.sleep(max(due - time.monotonic(), 0))
