"""The end: one command, and nothing is left behind. Runs last, by its name."""

from __future__ import annotations

import subprocess

from drills.running import ROOT, LiveStack


def test_destroy_and_lab_down_leave_nothing(running_six: LiveStack) -> None:
    six = running_six
    pool = ROOT / ".pairwise" / "lab"
    machines = [node.machine for node in six.plan.nodes.values()]
    six.pairwise("destroy", "six", "--yes")
    assert six.virsh("list", "--all", "--name").split() == []
    assert [n for n in six.virsh("net-list", "--all", "--name").split() if "pw1-" in n] == []
    six.pairwise("lab", "down")
    processes = subprocess.check_output(["ps", "-ww", "-eo", "args"], text=True)
    assert not [m for m in machines if f"guest={m}" in processes]
    assert str(pool) not in processes
    names = subprocess.check_output(["ip", "netns", "list"], text=True)
    assert six.netns not in names.split()
    mounts = subprocess.check_output(["cat", "/proc/mounts"], text=True)
    assert str(pool) not in mounts
    tracked = subprocess.check_output(["git", "status", "--porcelain"], text=True, cwd=ROOT)
    assert tracked.strip() == "", tracked
