"""What one look reads, and what it does not ask for."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from bootstrap.blocks.monitor.program import observe
from bootstrap.blocks.monitor.program.memory import Memory
from bootstrap.blocks.monitor.program.observe import Greeter, Observer
from bootstrap.blocks.monitor.program.seen import Holding, Now, UnitSeen
from tests.monitor.fake_node import FIB_TRIE, MOUNTS, Node
from tests.monitor.given import CONFIG


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Node:
    return Node(tmp_path, monkeypatch)


def test_one_look_reads_all_of_it(here: Node) -> None:
    observer = Observer(CONFIG, proc=here.proc)
    seen = observer.look(Memory(), Now(mono=1.0, wall=1.0), running=frozenset(), ended=())
    assert [seen.holding(group) for group in CONFIG.groups] == [Holding.HELD, Holding.ABSENT]
    assert (seen.heartbeat, seen.rscstatus, seen.peer) == ("active", "local", "active")
    assert seen.units["nfs-mountd.service"] == UnitSeen(active="active", sub="running")
    assert seen.threads == 8
    asked = [call.split()[:2] for call in here.calls()]
    ask = ["cl_status", "nodestatus"]
    assert asked == [["systemctl", "show"], ask, ["cl_status", "rscstatus"], ask]
    assert seen.ping == "ping"


def test_heartbeat_is_not_asked_without_need(here: Node) -> None:
    observer = Observer(CONFIG, proc=here.proc)
    now = Now(mono=1.0, wall=1.0)
    seen = observer.look(Memory(ask=False), now, running=frozenset(), ended=())
    assert (seen.rscstatus, seen.peer) == (None, None)
    assert len(here.calls()) == 1


def test_systemd_is_asked_again_when_a_process_has_come_or_gone(here: Node) -> None:
    """A question that is put each second costs a tenth of an emulated node's processor."""
    unit = here.folder / "cgroups" / "mysql.service"
    unit.mkdir(parents=True)
    (unit / "cgroup.procs").write_text("17\n")
    observer = Observer(CONFIG, proc=here.proc, cgroups=here.folder / "cgroups")
    memory = Memory(ask=False)

    def asked(mono: float) -> int:
        observer.look(memory, Now(mono=mono, wall=mono), running=frozenset(), ended=())
        return len([call for call in here.calls() if "show" in call])

    assert asked(1.0) == 1
    assert asked(observe.SAME_EVERY_S) == 1
    assert asked(observe.SAME_EVERY_S + 1.0) == 2
    (unit / "cgroup.procs").write_text("18\n")
    assert asked(observe.SAME_EVERY_S + 2.0) == 3
    assert asked(observe.SAME_EVERY_S + 3.0) == 3
    (here.proc / "fs/nfsd/threads").write_text("0\n")
    assert asked(observe.SAME_EVERY_S + 4.0) == 4
    here.programs(show="ActiveState=failed\nSubState=failed\nNRestarts=3\n")
    (unit / "cgroup.procs").unlink()
    assert asked(observe.SAME_EVERY_S + 5.0) == 5
    assert asked(observe.SAME_EVERY_S + 5.0 + observe.BUSY_EVERY_S) == 6


def test_a_node_that_cannot_be_read_holds_nothing(tmp_path: Path) -> None:
    seen = Observer(CONFIG, proc=tmp_path).look(
        Memory(ask=False), Now(mono=1.0, wall=1.0), running=frozenset(), ended=()
    )
    assert [seen.holding(group) for group in CONFIG.groups] == [Holding.ABSENT, Holding.ABSENT]
    assert seen.threads is None


def test_addresses_are_those_of_the_node_alone() -> None:
    assert observe.addresses(FIB_TRIE.splitlines()) == {"10.9.0.11", "10.9.0.100"}


def test_a_mount_counts_with_its_own_device_alone() -> None:
    assert observe.mounts(MOUNTS.splitlines(), CONFIG.groups) == {"/srv/db": False}
    read_only = MOUNTS.replace("rw,noatime", "ro,noatime")
    assert observe.mounts(read_only.splitlines(), CONFIG.groups) == {"/srv/db": True}
    other = MOUNTS.replace("/dev/drbd0", "/dev/vda1")
    assert observe.mounts(other.splitlines(), CONFIG.groups) == {}


def test_units_are_read_in_the_order_asked() -> None:
    text = (
        "NRestarts=2\nActiveState=activating\nSubState=auto-restart\nJob=\n\n"
        "NRestarts=0\nActiveState=inactive\nSubState=dead\nJob=417\n"
    )
    found = observe.units(text, ("a.service", "b.service"))
    assert found["a.service"].restarting and found["a.service"].restarts == 2
    assert found["b.service"].job and not found["b.service"].down
    assert observe.units("", ("a.service",)) == {}


@pytest.fixture
def database(tmp_path: Path) -> Iterator[tuple[str, socket.socket]]:
    path = str(tmp_path / "mysqld.sock")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
        listening.bind(path)
        listening.listen()
        yield path, listening


def test_a_database_that_greets_works(database: tuple[str, socket.socket]) -> None:
    path, listening = database
    greeter = Greeter(path)
    assert greeter.poll(0.0) is None
    with listening.accept()[0] as client:
        client.send(b"\x4a\x00\x00\x00\x0a9.7.4\x00")
        assert greeter.poll(1.0) is True
    assert greeter.poll(2.0) is None, "not before five seconds have passed"
    greeter.poll(5.0)
    greeter.forget()


def test_a_database_that_says_nothing_for_three_seconds_does_not(
    database: tuple[str, socket.socket],
) -> None:
    greeter = Greeter(database[0])
    assert [greeter.poll(float(second)) for second in range(5)] == [None, None, None, None, False]


def test_a_socket_that_is_not_there_is_no_greeting(tmp_path: Path) -> None:
    assert Greeter(str(tmp_path / "none")).poll(0.0) is False
