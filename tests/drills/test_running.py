"""How often a running stack is looked at: each look is a login at every machine."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import pairwise

import pytest

from drills import running
from drills.running import LiveStack
from drills.wait import DeadlinePassedError

STACK = LiveStack(name="duo", netns="none", uri="none")
TROUBLE = "server1 is behind."


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """When there was one; the third finds nothing wrong. Pauses are shorter here."""
    found: list[float] = []

    def status(_: LiveStack) -> dict[str, object]:
        found.append(time.monotonic())
        problems = [] if len(found) > 2 else [TROUBLE]
        return {"problems": problems, "healthy": not problems}

    monkeypatch.setattr(LiveStack, "status", status)
    monkeypatch.setattr(running, "PAUSE_S", 0.4)
    monkeypatch.setattr(running, "EVERY_S", 0.05)
    yield found


def test_a_stack_is_looked_at_until_nothing_is_wrong(looks: list[float]) -> None:
    told: list[str] = []
    STACK.wait_until_steady(timeout_s=9, mend=told.extend)
    assert told == [TROUBLE] * 2
    assert all(after - before >= 0.4 for before, after in pairwise(looks))


def test_while_something_is_known_to_be_wrong_looks_are_rare(looks: list[float]) -> None:
    begun = time.monotonic()
    STACK.wait_until_steady(
        timeout_s=9, pause_s=lambda: 1.5 if time.monotonic() - begun < 2.5 else 0.4
    )
    assert looks[0] - begun >= 1
    assert looks[1] - looks[0] >= 1


def test_what_was_wrong_last_is_in_the_error(looks: list[float]) -> None:
    with pytest.raises(DeadlinePassedError, match="behind"):
        STACK.wait_until_steady(timeout_s=0.2)
    assert len(looks) == 1
