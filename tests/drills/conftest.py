"""Drills are tested without a machine: whatever would reach one fails the test that asks for it."""

from __future__ import annotations

from typing import NoReturn

import pytest

from drills.running import LiveStack


@pytest.fixture(autouse=True)
def _nothing_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that forgets to pretend must not bring up, stop or ask real machines."""

    def refuse(*arguments: object, **_: object) -> NoReturn:
        raise RuntimeError(f"a pure test has asked for {arguments[1:]} on real machines")

    for name in ("pairwise", "virsh", "inside"):
        monkeypatch.setattr(LiveStack, name, refuse)
