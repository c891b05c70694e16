"""Stack gateway: document 004's own test, through packets inside packets (``tun``)."""

from __future__ import annotations

import pytest

from cli.commands_drill import applying
from drills.running import LiveStack
from tests.golden.tree import plans
from tests.on_machines import assert_drill_passes, assert_unchanged

CORE = ("director-reboot",)
"""The author's own test: every port answers before and after the active director reboots."""
MORE = tuple(drill.name for drill in applying(plans()["gateway"]) if drill.name not in CORE)
"""All others."""


@pytest.mark.calm
def test_up_leaves_nothing_to_do(gateway: LiveStack) -> None:
    assert_unchanged(gateway)


@pytest.mark.calm
def test_verify_passes(gateway: LiveStack) -> None:
    gateway.pairwise("verify", "gateway")


@pytest.mark.calm
@pytest.mark.parametrize("name", CORE)
def test_drill_passes(gateway: LiveStack, name: str) -> None:
    assert_drill_passes(gateway, name)


@pytest.mark.calm
@pytest.mark.load
@pytest.mark.parametrize("name", MORE)
def test_further_drill_passes(gateway: LiveStack, name: str) -> None:
    assert_drill_passes(gateway, name)
