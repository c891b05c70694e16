"""What holds for all tests."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
MOCKED = "tests/components/"
"""Tests that run Pulumi's SDK under its mocks."""
LONGEST = ("tests/gtid/test_transitions.py", "tests/test_linters.py", "tests/test_workflows.py")
"""Files that go first: ``make check`` hands whole files to its workers, and all of them would wait
for one that begins with a long one last."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files go first; Pulumi's mocks leave the event loops of their threads open; what
    needs a running stack is marked by its folder, so that no test can be forgotten."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONGEST))
    for item in items:
        folder, _, stack = item.path.relative_to(HERE).parts[0].partition("_")
        if folder == "live":
            item.add_marker(pytest.mark.live)
            if stack:
                item.add_marker(stack)
        if item.nodeid.startswith(MOCKED):
            item.add_marker(pytest.mark.filterwarnings("ignore::ResourceWarning"))
            unraisable = "ignore::pytest.PytestUnraisableExceptionWarning"
            item.add_marker(pytest.mark.filterwarnings(unraisable))


@pytest.fixture(autouse=True, scope="module")
def _no_loops_left(request: pytest.FixtureRequest) -> Iterator[None]:
    """Close those loops where they were made: later they would fail some other test.

    The worker threads live on and hold them, so that a collection alone does not find them.
    """
    yield
    if request.node.nodeid.startswith(MOCKED):
        for loop in gc.get_objects():
            if isinstance(loop, asyncio.BaseEventLoop) and not loop.is_running():
                loop.close()
        # The next module gets a loop of its own, not a closed one.
        asyncio.set_event_loop(None)
