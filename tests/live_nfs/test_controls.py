"""The controls: without fencing, and with the documents' own, the pair's safety has to break."""

from __future__ import annotations

import pytest

from cli.commands_drill import applying
from drills.running import LiveStack
from tests.golden.tree import plans
from tests.on_machines import assert_drill_passes

UNSAFE = ("nfs-no-fencing", "nfs-dopd")
CONTROLS = [
    (variant, drill.name)
    for variant in UNSAFE
    for drill in applying(plans()[variant])
    if drill.is_control
]


@pytest.mark.calm
@pytest.mark.parametrize(("running_unsafe", "name"), CONTROLS, indirect=["running_unsafe"])
def test_without_its_safety_a_pair_breaks(unsafe: LiveStack, name: str) -> None:
    assert_drill_passes(unsafe, name)
