"""What the tests of a stack share that is brought up for them and destroyed after them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from drills.described import write_changed
from drills.running import ROOT, LiveStack
from lab.hypervisor import Lab
from tests.golden.tree import VARIANTS

STEADY_S = 600
"""A node that was powered off boots, is met again and catches up, with others beside it."""


DRILL_S = 5400
"""No drill lasts longer; one of them keeps the hypervisor busy for an hour."""
CALM = pytest.StashKey[str]()
"""The stack that the last test has left as it was, which was steady; empty: it may be otherwise."""


def steady(stack: LiveStack, request: pytest.FixtureRequest) -> Iterator[LiveStack]:
    """The stack in steady state: what one test leaves unsteady is the next one's failure.

    After a test that has passed and leaves it so (marker ``calm``) nobody looks again: each look is
    a login at every machine, a quarter of a minute where processors are emulated.
    """
    session, failed = request.session, request.session.testsfailed
    if session.stash.get(CALM, "") != stack.name:
        stack.wait_until_steady(timeout_s=STEADY_S)
    session.stash[CALM] = ""
    yield stack
    if request.node.get_closest_marker("calm") is not None and session.testsfailed == failed:
        session.stash[CALM] = stack.name


@contextmanager
def brought_up(name: str, folder: Path = ROOT / "stacks") -> Iterator[LiveStack]:
    """A stack that a folder describes, for as long as the block lasts; what a failed `up` has made
    goes too."""
    lab = Lab.of_checkout(ROOT)
    stack = LiveStack(name, lab.netns, lab.uri, folder)
    try:
        stack.up()
        yield stack
    finally:
        stack.pairwise("destroy", name, "--yes")


@contextmanager
def variant_up(name: str, folder: Path) -> Iterator[LiveStack]:
    """A variant of the golden tree, described in a folder and brought up like a stack."""
    base, changes = VARIANTS[name]
    write_changed(folder, base, changes, name=name)
    with brought_up(name, folder) as stack:
        yield stack


def assert_unchanged(stack: LiveStack) -> None:
    """A preview has nothing to do, or the failure shows what."""
    preview = stack.preview()
    assert preview["changes"] == 0, preview["hosts"]


def assert_drill_passes(stack: LiveStack, name: str) -> None:
    """One run: who writes could, and nothing that was acknowledged is lost but in a control."""
    done = stack.pairwise(
        "drill", "run", stack.name, name, "--json", check=False, timeout_s=DRILL_S
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr[-4000:]}"
    result = json.loads(done.stdout)
    assert result["verdict"] == "pass", result
    assert result["lost"] == 0 or result["control"], result
    assert result["acknowledged"] > 0 or not result["groups"], result
