"""Document 004's own test through the other methods, and with keepalived in Heartbeat's place."""

from __future__ import annotations

import pytest

from drills.running import LiveStack
from tests.on_machines import assert_drill_passes, assert_unchanged

VARIANTS = ("gateway-dr", "gateway-nat", "gateway-routed", "gateway-keepalived")
"""``gateway-routed``: ``tun`` to real servers behind a router."""
DRILLS = ("director-reboot", "director-power-cut")

pytestmark = pytest.mark.load


@pytest.mark.calm
@pytest.mark.parametrize("running_variant", VARIANTS, indirect=True)
def test_up_leaves_nothing_to_do(variant: LiveStack) -> None:
    assert_unchanged(variant)


@pytest.mark.calm
@pytest.mark.parametrize(
    ("running_variant", "name"),
    [(variant, name) for variant in VARIANTS for name in DRILLS],
    indirect=["running_variant"],
)
def test_drill_passes(variant: LiveStack, name: str) -> None:
    assert_drill_passes(variant, name)
