"""How a node takes another key of Heartbeat: what it hears, what it decides, what it leaves."""

from __future__ import annotations

import hmac
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typing_extensions import override

from bootstrap.blocks.heartbeat.program import key
from bootstrap.blocks.heartbeat.program.key import Node, RefusedError, Wire, follow, is_signed, lead

MESSAGE = (
    b"###\n11:(0)t=status,12:(0)st=active,12:(0)src=data2,27:(1)srcuuid=\x1d\xc6%%%\n\xea,"
    b"10:(0)seq=150,50:(0)auth=1 f522a62cda545f6c85e3d8c1aed97324742ea3d7,%%%\n"
)
"""As seen on the wire (Heartbeat 3.0.6), but for an identity that holds the mark."""


def signed(secret: bytes) -> bytes:
    mac = hmac.new(secret, MESSAGE, "sha1").hexdigest()
    return MESSAGE + f"42:1 {mac},".encode()


OLD, NEW = signed(b"old"), signed(b"new")


class Clock:
    """Time passes by what the wire brings, and by nothing else."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        monkeypatch.setattr(time, "monotonic", lambda: self.now)


class Heard(Wire):
    """What the peer says, half a second after the other."""

    def __init__(self, clock: Clock, says: Callable[[], Iterator[bytes | None]]) -> None:
        self._clock = clock
        self._messages = says()

    @override
    def next(self, seconds: float) -> bytes | None:
        self._clock.now += min(seconds, 0.5)
        return next(self._messages, None)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Node:
    """One whose Heartbeat runs and hears its peer; its signals are kept in a file."""
    for name, text in {"authkeys": "old", "authkeys.new": "new"}.items():
        (tmp_path / name).write_text(f"# ours\nauth 1\n1 sha1 {text}\n")
        (tmp_path / name).chmod(0o600)
    (tmp_path / "ha.cf").write_text("")
    (tmp_path / "pid").write_text("17\n")
    config = {"peer": "data2", "links": {"repl": "10.0.0.2"}, "keepalive_s": 1, "deadtime_s": 8}
    places = {"authkeys": "authkeys", "ha_cf": "ha.cf", "pid_file": "pid"}
    made = Node({**config, **{name: str(tmp_path / path) for name, path in places.items()}})

    def kill(pid: int, _: int) -> None:
        with (tmp_path / "signals").open("a") as file:
            print(pid, file=file)

    (tmp_path / "signals").touch()
    monkeypatch.setattr(made, "pid", lambda: 17)
    monkeypatch.setattr(made, "hears", lambda: True)
    monkeypatch.setattr(os, "kill", kill)
    return made


def state(node: Node) -> tuple[str, list[str]]:
    """The key in use, and what else lies beside it."""
    folder = node.used.parent
    return key.key_of(node.used.read_text()).decode(), sorted(
        path.name for path in folder.glob("authkeys?*")
    )


def signals(node: Node) -> int:
    return len((node.used.parent / "signals").read_text().splitlines())


def test_a_signature_is_known_by_its_key() -> None:
    assert is_signed(NEW, b"new")
    assert not is_signed(NEW, b"old")
    assert not is_signed(b"", b"new")
    assert not is_signed(NEW.replace(b"active", b"dead"), b"new")


def test_who_follows_waits_for_the_new_signature(node: Node, clock: Clock) -> None:
    def says() -> Iterator[bytes | None]:
        yield from [OLD, None, OLD]
        assert state(node) == ("old", ["authkeys.new"])
        while True:
            yield NEW

    follow(node, Heard(clock, says))
    assert state(node) == ("new", [])
    assert signals(node) == 1
    assert node.used.stat().st_mode & 0o777 == 0o600


def test_who_follows_goes_back_with_a_leader_that_does(node: Node, clock: Clock) -> None:
    def says() -> Iterator[bytes | None]:
        # The first old one was on its way when the new one came.
        yield from [NEW, OLD, OLD, OLD]
        assert state(node) == ("old", ["authkeys.new"])
        yield OLD
        node.finish()

    follow(node, Heard(clock, says))
    assert state(node) == ("old", [])
    assert signals(node) == 2


def test_a_leader_goes_first_and_stays_where_it_is_followed(node: Node, clock: Clock) -> None:
    lead(node, Heard(clock, lambda: iter([OLD, OLD, *[NEW] * 40])))
    assert state(node) == ("new", [])
    assert signals(node) == 1


def test_a_leader_that_nobody_follows_goes_back_in_half_the_dead_time(
    node: Node, clock: Clock
) -> None:
    with pytest.raises(RefusedError, match="data2 has not taken the new key within 4 s"):
        lead(node, Heard(clock, lambda: iter([OLD] * 40)))
    assert state(node) == ("old", ["authkeys.new"])
    assert clock.now == 4.0
    assert signals(node) == 2


def test_a_leader_that_hears_nobody_does_nothing(
    node: Node, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(node, "hears", lambda: False)
    with pytest.raises(RefusedError, match="does not hear data2"):
        lead(node, Heard(clock, lambda: iter([])))
    assert state(node) == ("old", ["authkeys.new"])
    assert signals(node) == 0


def test_a_leader_joins_a_peer_that_has_the_new_key_already(
    node: Node, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that was made anew has no other."""
    monkeypatch.setattr(node, "hears", lambda: False)
    lead(node, Heard(clock, lambda: iter([NEW] * 40)))
    assert state(node) == ("new", [])


def test_a_leader_whose_heartbeat_is_stopped_does_nothing(
    node: Node, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(node, "pid", lambda: 0)
    with pytest.raises(RefusedError, match="does not run here"):
        lead(node, Heard(clock, lambda: iter([NEW])))
    assert state(node) == ("old", ["authkeys.new"])


def test_who_follows_with_heartbeat_stopped_has_the_key_for_its_next_start(
    node: Node, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(node, "pid", lambda: 0)
    follow(node, Heard(clock, lambda: iter([NEW] * 40)))
    assert state(node) == ("new", [])
    assert signals(node) == 0


@pytest.mark.parametrize("signalled", [True, False])
def test_a_switch_that_was_killed_is_finished_by_the_next_one(
    node: Node, clock: Clock, *, signalled: bool
) -> None:
    node.take()
    assert state(node) == ("new", ["authkeys.new", "authkeys.old"])
    peer = NEW if signalled else OLD
    lead(node, Heard(clock, lambda: iter([peer, *[NEW] * 40])))
    assert state(node) == ("new", [])
    assert signals(node) == 2


def test_what_was_killed_goes_back_to_the_key_before(node: Node, clock: Clock) -> None:
    node.take()
    with pytest.raises(RefusedError):
        lead(node, Heard(clock, lambda: iter([OLD] * 40)))
    assert state(node) == ("old", ["authkeys.new"])


def test_a_heartbeat_that_would_start_anew_is_not_signalled(node: Node, clock: Clock) -> None:
    """It does on SIGHUP when ha.cf has changed, whatever else has."""
    later = (node.used.parent / "pid").stat().st_mtime + 60
    os.utime(node.used.parent / "ha.cf", (later, later))
    with pytest.raises(RefusedError, match="would start anew"):
        lead(node, Heard(clock, lambda: iter([OLD])))
    assert state(node) == ("old", ["authkeys.new"])
    assert signals(node) == 0


def test_nothing_waits(node: Node, clock: Clock) -> None:
    node.waiting.unlink()
    lead(node, Heard(clock, lambda: iter([])))
    follow(node, Heard(clock, lambda: iter([])))
    assert state(node) == ("old", [])
    assert signals(node) == 0
