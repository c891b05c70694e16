"""What stack six-gtid has and no other: MySQL by GTID and NFS on DRBD, on the same two machines."""

from __future__ import annotations

import pytest

from drills.running import LiveStack
from tests.on_machines import assert_drill_passes, assert_unchanged


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
def test_the_source_loses_its_power(six_gtid: LiveStack) -> None:
    """Its machine may hold NFS as well, which moves by Heartbeat."""
    assert_drill_passes(six_gtid, "source-power-cut")
