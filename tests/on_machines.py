"""What the tests of a stack share that is brought up for them and destroyed after them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

from drills.running import ROOT, LiveStack
from lab.hypervisor import Lab

STEADY_S = 600
"""A node that was powered off boots, is met again and catches up, with others beside it."""


@contextmanager
def brought_up(name: str) -> Iterator[LiveStack]:
    """A stack for as long as the block lasts; what a failed `up` has made goes too."""
    lab = Lab.of_checkout(ROOT)
    stack = LiveStack(name, lab.netns, lab.uri)
    try:
        stack.up()
        yield stack
    finally:
        stack.pairwise("destroy", name, "--yes")


def assert_unchanged(stack: LiveStack) -> None:
    """A preview has nothing to do, or the failure shows what."""
    preview = stack.preview()
    assert preview["changes"] == 0, preview["hosts"]


def assert_drill_passes(stack: LiveStack, name: str) -> None:
    """One run: something was acknowledged, and nothing of it is lost."""
    done = stack.pairwise("drill", "run", stack.name, name, "--json", check=False, timeout_s=2400)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr[-4000:]}"
    result = json.loads(done.stdout)
    assert result["verdict"] == "pass" and result["lost"] == 0, result
    assert result["acknowledged"] > 0
