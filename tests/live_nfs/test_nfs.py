"""The drills of stack nfs: document 002's own test, and the faults that its pair was built for."""

from __future__ import annotations

import pytest

from drills.running import LiveStack
from tests.on_machines import assert_drill_passes, assert_unchanged

CORE = ("heartbeat-stop", "switchover", "power-cut", "partition", "replication-cut")
"""Those that every run of these tests repeats; `pairwise drill list nfs` has all."""


def test_a_second_up_changes_nothing(nfs: LiveStack) -> None:
    assert_unchanged(nfs)
    nfs.up()
    assert_unchanged(nfs)


def test_verify_passes(nfs: LiveStack) -> None:
    nfs.pairwise("verify", "nfs")


@pytest.mark.calm
@pytest.mark.parametrize("name", CORE)
def test_drill_passes(nfs: LiveStack, name: str) -> None:
    assert_drill_passes(nfs, name)
