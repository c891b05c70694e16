"""The drills of stack nfs: document 002's own test, and the faults that its pair was built for."""

from __future__ import annotations

import json

import pytest

from drills.running import LiveStack

CORE = ("heartbeat-stop", "switchover", "power-cut", "partition", "replication-cut")
"""Those that every run of these tests repeats; `pairwise drill list nfs` has all."""


def assert_unchanged(nfs: LiveStack) -> None:
    """A preview has nothing to do, or the failure shows what."""
    preview = nfs.preview()
    assert preview["changes"] == 0, preview["hosts"]


def test_a_second_up_changes_nothing(nfs: LiveStack) -> None:
    assert_unchanged(nfs)
    nfs.up()
    assert_unchanged(nfs)


def test_verify_passes(nfs: LiveStack) -> None:
    nfs.pairwise("verify", "nfs")


@pytest.mark.parametrize("name", CORE)
def test_drill_passes(nfs: LiveStack, name: str) -> None:
    done = nfs.pairwise("drill", "run", "nfs", name, "--json", check=False, timeout_s=2400)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr[-4000:]}"
    result = json.loads(done.stdout)
    assert result["verdict"] == "pass" and result["lost"] == 0, result
    assert result["acknowledged"] > 0
