"""What the lab's network namespace is like."""

from __future__ import annotations

import subprocess

import pytest

from lab import namespace

pytestmark = pytest.mark.live
NETNS = "pwtest-bridges"


def test_frames_between_machines_meet_no_rules_for_routed_packets() -> None:
    namespace.create(NETNS)
    try:
        command = "cat /proc/sys/net/bridge/bridge-nf-call-*tables 2>/dev/null || echo 0"
        shown = subprocess.check_output([*namespace.enter(NETNS), "sh", "-c", command], text=True)
        assert set(shown.split()) == {"0"}
    finally:
        namespace.delete(NETNS)
