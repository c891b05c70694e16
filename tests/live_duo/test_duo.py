"""The drills of stack duo: document 003's own test, and the faults that its pair was built for."""

from __future__ import annotations

import pytest

from drills.running import LiveStack
from tests.on_machines import assert_drill_passes, assert_unchanged

CORE = ("sequence-there", "source-power-cut")
"""Those that `make test-duo` repeats, and with it `.ci/run`; `pairwise drill list duo` has all."""
MORE = (
    "sequence",
    "replica-lags",
    "statements",
    "freeze-replica",
    "switchover",
    "partition-inside",
    "partition-outside",
    "partition-both",
    "freeze-long",
    "sequential-failure",
    "errant",
)
"""More than an hour more."""


@pytest.mark.calm
def test_up_leaves_nothing_to_do(duo: LiveStack) -> None:
    assert_unchanged(duo)


@pytest.mark.calm
def test_verify_passes(duo: LiveStack) -> None:
    duo.pairwise("verify", "duo")


@pytest.mark.calm
def test_every_condition_of_the_replication_holds(duo: LiveStack) -> None:
    duo.pairwise("replication", "check", "duo")


@pytest.mark.calm
@pytest.mark.parametrize("name", CORE)
def test_drill_passes(duo: LiveStack, name: str) -> None:
    assert_drill_passes(duo, name)


@pytest.mark.calm
@pytest.mark.load
@pytest.mark.parametrize("name", MORE)
def test_further_drill_passes(duo: LiveStack, name: str) -> None:
    assert_drill_passes(duo, name)
