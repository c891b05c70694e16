"""The hypervisor machine loses power with a stack running: `make lab` brings all of it back."""

from __future__ import annotations

import os
import signal
import subprocess

import pytest

from drills.running import ROOT, LiveStack
from drills.wait import wait_until
from lab import namespace


@pytest.mark.load
def test_make_lab_after_a_reboot_starts_the_machines_and_replaces_none(six: LiveStack) -> None:
    """What a reboot leaves: files only; no process, no namespace, no bridge."""
    uuids = sorted(six.virsh("list", "--all", "--name", "--uuid").splitlines())
    for pid in namespace.processes(six.netns):
        os.kill(pid, signal.SIGKILL)
    wait_until(
        lambda: not namespace.processes(six.netns),
        what=f"the processes of {six.netns} to be gone",
        timeout_s=60,
        every_s=0.2,
    )
    namespace.delete(six.netns)
    done = subprocess.run(
        ["make", "lab"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=1500
    )
    assert done.returncode == 0, done.stderr[-4000:]
    assert sorted(six.virsh("list", "--name", "--uuid").splitlines()) == uuids
    assert six.preview()["changes"] == 0
