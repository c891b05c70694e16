"""Fixtures of the live tests: the running stack six, and clients in many networks.

Nothing is skipped because something is missing: without a stack these tests fail.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from drills.observe import add_client_addresses
from drills.running import ROOT, LiveStack
from lab.hypervisor import Lab
from tests.on_machines import steady


def pytest_report_header() -> str:
    lab = Lab.of_checkout(ROOT)
    return f"live stack: six, lab {lab.name}, namespace {lab.netns}, on {os.cpu_count()} cores"


@pytest.fixture(scope="session")
def running_six() -> LiveStack:
    """The stack as ``make lab`` left it."""
    lab = Lab.of_checkout(ROOT)
    return LiveStack("six", lab.netns, lab.uri)


@pytest.fixture
def six(running_six: LiveStack, request: pytest.FixtureRequest) -> Iterator[LiveStack]:
    """The stack in steady state."""
    yield from steady(running_six, request)


@pytest.fixture(scope="session")
def clients(running_six: LiveStack) -> list[str]:
    """Client addresses in different /24s, inside the lab's namespace."""
    return add_client_addresses(running_six.netns)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Folder for a changed description."""
    return tmp_path / "stacks"
