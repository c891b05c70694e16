"""The running stack ``gateway``, and the same with other methods; each is destroyed in the end."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from drills.running import LiveStack
from tests.on_machines import brought_up, steady, variant_up


@pytest.fixture(scope="module")
def running_gateway() -> Iterator[LiveStack]:
    """The stack, brought up once for a file of tests."""
    with brought_up("gateway") as stack:
        yield stack


@pytest.fixture
def gateway(running_gateway: LiveStack, request: pytest.FixtureRequest) -> Iterator[LiveStack]:
    """The stack in steady state."""
    yield from steady(running_gateway, request)


@pytest.fixture(scope="module")
def running_variant(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LiveStack]:
    """The stack with another method or manager: its name is the parameter."""
    with variant_up(request.param, tmp_path_factory.mktemp("stacks")) as stack:
        yield stack


@pytest.fixture
def variant(running_variant: LiveStack, request: pytest.FixtureRequest) -> Iterator[LiveStack]:
    """That variant in steady state."""
    yield from steady(running_variant, request)
