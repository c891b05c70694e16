"""By which a node has its peer outdate its copies: who is answered, and what an answer means."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bootstrap.blocks.fencing.program import outdate
from bootstrap.blocks.fencing.program.outdate import Server, opened, sealed
from drills.wait import wait_until

KEY = b"secret"
HELLO = {"from": "nfs1", "to": "nfs2", "say": "hello", "hello": "17"}
ONE, OTHER = "127.0.0.1", "127.0.0.2"
PORT = 17787


class Peer:
    """The node that is asked, and what it was asked to outdate."""

    def __init__(self, code: int = 0) -> None:
        self.outdated: list[str] = []
        self.code = code
        self.server = Server(KEY, "nfs2", self._outdate)

    def _outdate(self, resource: str) -> int:
        self.outdated.append(resource)
        return self.code

    def hears(self, words: dict[str, Any], *, key: bytes = KEY, now: float = 0.0) -> dict[str, Any]:
        """The words of its answer."""
        return opened(KEY, self.server.answer(sealed(key, words), now=now) or b"")

    def number(self, *, now: float = 0.0) -> str:
        """What it says to a hello."""
        return str(self.hears(HELLO, now=now)["number"])


def question(number: str) -> dict[str, Any]:
    return {
        "from": "nfs1",
        "to": "nfs2",
        "say": "outdate",
        "number": number,
        "resource": "nfs",
    }


def test_a_question_is_answered_once_however_often_it_comes() -> None:
    peer = Peer()
    asked = question(peer.number())
    assert [peer.hears(asked)["code"] for _ in range(3)] == [0, 0, 0]
    assert peer.outdated == ["nfs"]


def test_a_recorded_question_has_no_effect() -> None:
    """Neither with the number of another talk, nor after its time, nor on another server."""
    peer = Peer()
    asked = question(peer.number())
    peer.hears(asked)
    assert peer.hears(asked, now=outdate.VALID_S + 1) == {}
    assert Peer().hears(asked) == {}
    assert peer.hears(question("another")) == {}
    assert peer.outdated == ["nfs"]


def test_another_secret_another_node_and_noise_are_not_answered() -> None:
    peer = Peer()
    assert peer.hears(HELLO, key=b"another") == {}
    assert peer.hears({**HELLO, "to": "nfs1"}) == {}
    assert peer.server.answer(b"", now=0.0) == b""
    assert peer.server.answer(b"noise", now=0.0) == b""
    # What it said itself, sent back to it.
    assert peer.hears(peer.hears(HELLO)) == {}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Of both nodes: each with an address of its own, and what outdates a copy."""
    (tmp_path / "secret").write_text("secret\n# Managed\n")
    program = tmp_path / "drbdadm"
    program.write_text(f'#!/bin/sh\necho "$*" >>{tmp_path}/asked\nexit $(cat {tmp_path}/code)\n')
    program.chmod(0o755)
    (tmp_path / "code").write_text("0")
    for node, own, peer, other in (("nfs1", ONE, "nfs2", OTHER), ("nfs2", OTHER, "nfs1", ONE)):
        config = {
            "node": node,
            "peer": peer,
            "address": own,
            "peer_address": other,
            "port": PORT,
            "secret": str(tmp_path / "secret"),
            "program": str(program),
            "resources": ["nfs"],
            "pipes": str(tmp_path / node),
        }
        (tmp_path / f"{node}.json").write_text(json.dumps(config))
        (tmp_path / node).mkdir()
    return tmp_path


def command(folder: Path, node: str, *words: str) -> list[str]:
    return [sys.executable, "-I", outdate.__file__, str(folder / f"{node}.json"), *words]


def ask(folder: Path, seconds: str = "10") -> int:
    """As the handler on nfs1 does."""
    argv = command(folder, "nfs1", "ask", "nfs", seconds)
    return subprocess.run(argv, check=False, timeout=30).returncode


@pytest.fixture
def served(folder: Path) -> Iterator[Path]:
    """nfs2 is up."""
    with subprocess.Popen(command(folder, "nfs2", "serve")) as server:
        yield folder
        server.kill()


@pytest.mark.parametrize(("code", "means"), [(0, 4), (17, 6), (10, 20)])
def test_the_answer_is_drbd_s_exit_code(served: Path, code: int, means: int) -> None:
    """Asked while the server is being started: the question is repeated."""
    (served / "code").write_text(str(code))
    assert ask(served) == means
    assert (served / "asked").read_text() == "outdate nfs\n"


def test_a_handler_asks_through_pipes(served: Path) -> None:
    """What nobody stayed for does not stand in the way of the next one."""
    with subprocess.Popen(command(served, "nfs1", "serve")) as own:
        asked, answers = (served / "nfs1" / name for name in ("nfs", "nfs.answer"))
        wait_until(answers.exists, what="the pipes", timeout_s=10)
        asks, answer = os.open(asked, os.O_RDWR), os.open(answers, os.O_RDWR)
        os.write(answer, b"old 5\n")
        os.write(asks, b"mine 10\n")
        found = b""
        while found.count(b"\n") < 2:
            found += os.read(answer, 100)
        assert found == b"old 5\nmine 4\n"
        own.kill()


def test_whether_the_peer_answers_can_be_tried_and_changes_nothing(served: Path) -> None:
    greet = command(served, "nfs1", "greet", "10")
    assert subprocess.run(greet, check=False, timeout=30).returncode == 0
    assert not (served / "asked").exists()
    (served / "secret").write_text("another\n")
    greet = command(served, "nfs1", "greet", "1")
    assert subprocess.run(greet, check=False, timeout=30).returncode == outdate.SILENT


def test_nobody_answers(folder: Path) -> None:
    assert ask(folder, "1") == outdate.SILENT


def test_both_nodes_may_ask_at_once(served: Path) -> None:
    """Each holds a group: the server of the one answers while it asks itself."""
    with subprocess.Popen(command(served, "nfs1", "serve")) as other:
        argv = command(served, "nfs2", "ask", "mysql", "10")
        with subprocess.Popen(argv) as asking:
            assert ask(served) == outdate.OUTDATED
            assert asking.wait(timeout=30) == outdate.OUTDATED
        other.kill()
    asked = (served / "asked").read_text().splitlines()
    assert sorted(asked) == ["outdate mysql", "outdate nfs"]
