"""Drills are tested without a machine: whatever would reach one fails the test that asks for it."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

import pytest

from drills import described, faults
from drills.running import LiveStack
from tests.drills.pretended import Heard


@pytest.fixture(autouse=True)
def _nothing_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that forgets to pretend must not bring up, stop or ask real machines."""

    def refuse(*arguments: object, **_: object) -> NoReturn:
        raise RuntimeError(f"a pure test has asked for {arguments[1:]} on real machines")

    for name in ("pairwise", "virsh", "inside"):
        monkeypatch.setattr(LiveStack, name, refuse)


@pytest.fixture(name="heard")
def fixture_heard(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Heard:
    """Everything that would leave this process is kept instead."""
    heard = Heard()

    def virsh(_: LiveStack, *arguments: str) -> str:
        heard.virsh.append(arguments)
        if arguments[0] == "domstate":
            return heard.states.get(arguments[1].removeprefix("nfs-"), "running")
        if arguments[0] in ("pool-list", "vol-list"):
            return {"pool-list": "pairwise\n", "vol-list": heard.volumes}[arguments[0]]
        return "eth0 down" if arguments[0] == "domif-getlink" else ""

    def execute(_: LiveStack, node: str, command: str, *, check: bool = True) -> str:
        heard.inside.append((node, command))
        return str(check)

    monkeypatch.setattr(faults, "_nft", lambda _netns, text: heard.nft.append(text))
    monkeypatch.setattr(LiveStack, "virsh", virsh)
    monkeypatch.setattr(LiveStack, "start", lambda _, node: heard.started.append(node))
    monkeypatch.setattr(LiveStack, "exec", execute)
    monkeypatch.setattr(LiveStack, "machines", lambda _: heard.known)
    monkeypatch.setattr(LiveStack, "up", lambda stack: heard.ups.append(stack.name))
    monkeypatch.setattr(described, "FOLDER", tmp_path)
    return heard


@pytest.fixture(name="stack")
def fixture_stack() -> LiveStack:
    return LiveStack("nfs", "pw-test", "test:///default")
