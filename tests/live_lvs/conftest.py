"""The running stack ``lvs``; it is brought up for these tests and destroyed after them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from drills.running import LiveStack
from tests.on_machines import brought_up, steady

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """By place, so that none can be forgotten."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.live)
            item.add_marker(pytest.mark.lvs)


@pytest.fixture(scope="session")
def running_lvs() -> Iterator[LiveStack]:
    """The stack, brought up once."""
    with brought_up("lvs") as stack:
        yield stack


@pytest.fixture
def lvs(running_lvs: LiveStack, request: pytest.FixtureRequest) -> Iterator[LiveStack]:
    """The stack in steady state."""
    yield from steady(running_lvs, request)
