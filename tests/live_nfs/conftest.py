"""The running stack ``nfs``, and the same with the documents' fencing or none."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from drills.running import LiveStack
from tests.on_machines import brought_up, steady, variant_up


@pytest.fixture(scope="module")
def running_nfs() -> Iterator[LiveStack]:
    """The stack, brought up once for a file of tests."""
    with brought_up("nfs") as stack:
        yield stack


@pytest.fixture(scope="module")
def running_unsafe(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LiveStack]:
    """A variant of the stack without its safety: its name is the parameter."""
    with variant_up(request.param, tmp_path_factory.mktemp("stacks")) as stack:
        yield stack


@pytest.fixture
def unsafe(running_unsafe: LiveStack, request: pytest.FixtureRequest) -> Iterator[LiveStack]:
    """That variant in steady state."""
    yield from steady(running_unsafe, request)


@pytest.fixture
def nfs(running_nfs: LiveStack, request: pytest.FixtureRequest) -> Iterator[LiveStack]:
    """The stack in steady state."""
    yield from steady(running_nfs, request)
