"""The drills of stack nfs: document 002's own test, and the faults that its pair was built for."""

from __future__ import annotations

import pytest

from cli.commands_drill import applying
from drills.running import LiveStack
from tests.golden.tree import plans
from tests.on_machines import assert_drill_passes, assert_unchanged

DRILLS = tuple(drill.name for drill in applying(plans()["nfs"]))
"""All."""


def test_a_second_up_changes_nothing(nfs: LiveStack) -> None:
    assert_unchanged(nfs)
    nfs.up()
    assert_unchanged(nfs)


def test_verify_passes(nfs: LiveStack) -> None:
    nfs.pairwise("verify", "nfs")


@pytest.mark.calm
@pytest.mark.parametrize("name", DRILLS)
def test_drill_passes(nfs: LiveStack, name: str) -> None:
    assert_drill_passes(nfs, name)
