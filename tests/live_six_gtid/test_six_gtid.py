"""What stack six-gtid has and no other: MySQL by GTID and NFS on DRBD, on the same two machines."""

from __future__ import annotations

import pytest

from drills.running import LiveStack
from tests.on_machines import assert_drill_passes, assert_unchanged

CORE = ("freeze-replica-busy", "source-power-cut")
"""Where the reconciler and Heartbeat meet at the endpoint: who is fenced by one gives NFS away by
the other. What each of them does alone is drilled on stacks duo and six."""


@pytest.mark.calm
def test_up_leaves_nothing_to_do(six_gtid: LiveStack) -> None:
    assert_unchanged(six_gtid)


@pytest.mark.calm
def test_verify_passes(six_gtid: LiveStack) -> None:
    six_gtid.pairwise("verify", "six-gtid")


@pytest.mark.calm
def test_every_condition_of_the_replication_holds(six_gtid: LiveStack) -> None:
    six_gtid.pairwise("replication", "check", "six-gtid")


@pytest.mark.calm
@pytest.mark.parametrize("name", CORE)
def test_drill_passes(six_gtid: LiveStack, name: str) -> None:
    assert_drill_passes(six_gtid, name)
