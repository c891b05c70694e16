"""The package's one wait: for a condition, never for a time."""

from __future__ import annotations

import time
from collections.abc import Callable

POLL_S = 0.1
"""Between two looks; what is waited for here takes tenths of seconds."""


def wait_until(condition: Callable[[], bool], *, timeout_s: float) -> bool:
    """Whether the condition came true in time; looked at once more when the time is over."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(POLL_S)
    return True
