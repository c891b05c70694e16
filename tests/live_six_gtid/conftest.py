"""The running stack ``six-gtid``, and after it its data pair with one web machine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from drills.described import write_changed
from drills.running import LiveStack
from tests.on_machines import brought_up, steady

ALONE: dict[str, Any] = {
    "put": {"tiers.web.nodes": ["web1"]},
    "drop": ("pairs.lb", "nodes.lb1", "nodes.lb2", "nodes.web2"),
}


@pytest.fixture(scope="module")
def running_six_gtid() -> Iterator[LiveStack]:
    """The stack, brought up once for a file of tests."""
    with brought_up("six-gtid") as stack:
        yield stack


@pytest.fixture(scope="module")
def running_data_gtid(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveStack]:
    """Its data pair and who writes to it, as a stack of their own."""
    folder = tmp_path_factory.mktemp("stacks")
    write_changed(folder, "six-gtid", ALONE, name="data-gtid")
    with brought_up("data-gtid", folder) as stack:
        yield stack


@pytest.fixture
def six_gtid(running_six_gtid: LiveStack, request: pytest.FixtureRequest) -> Iterator[LiveStack]:
    """The stack in steady state."""
    yield from steady(running_six_gtid, request)


@pytest.fixture
def data_gtid(running_data_gtid: LiveStack, request: pytest.FixtureRequest) -> Iterator[LiveStack]:
    """The pair in steady state."""
    yield from steady(running_data_gtid, request)
