"""The running stack ``six-gtid``; it is brought up for these tests and destroyed after them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from drills.running import LiveStack
from tests.on_machines import brought_up, steady


@pytest.fixture(scope="session")
def running_six_gtid() -> Iterator[LiveStack]:
    """The stack, brought up once."""
    with brought_up("six-gtid") as stack:
        yield stack


@pytest.fixture
def six_gtid(running_six_gtid: LiveStack, request: pytest.FixtureRequest) -> Iterator[LiveStack]:
    """The stack in steady state."""
    yield from steady(running_six_gtid, request)
