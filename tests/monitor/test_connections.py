"""Who is connected to a group is noted beside its data."""

from __future__ import annotations

from pathlib import Path

import pytest

from bootstrap.blocks.monitor.program.actions import Action, Note
from bootstrap.blocks.monitor.program.connections import established
from bootstrap.blocks.monitor.program.effects import Runner
from bootstrap.blocks.monitor.program.memory import Memory
from bootstrap.blocks.monitor.program.observe import CONNECTIONS_EVERY_S, Observer
from bootstrap.blocks.monitor.program.seen import Holding, Now, Observation
from tests.monitor.fake_node import Node
from tests.monitor.given import CONFIG, MYSQL, NFS, Watch, node

HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid\n"
LISTENS = "   0: 00000000:0CEA 00000000:0000 0A 00000000:00000000 00:00000000 00000000   102\n"
OWN = "   1: 0B00090A:0016 0100090A:D431 01 00000000:00000000 02:0000A8F1 00000000     0\n"
OPEN = "   2: 6400090A:0CEA 1500090A:C350 01 00000000:00000000 02:0000A8F1 00000000   102\n"
ENDED = "   3: 6400090A:0CEA 1500090A:C351 06 00000000:00000000 03:00000ABC 00000000     0\n"
CLIENT = "10.9.0.100:3306 10.9.0.21:50000"
OTHER = "10.9.0.100:3306 10.9.0.22:50000"
NOTED = Note(path="/srv/db/connections", text=f"{CLIENT}\n")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Node:
    return Node(tmp_path, monkeypatch)


def seen(*ends: str) -> Observation:
    """MySQL is here, and its clients' connections were looked at."""
    return node(MYSQL, connections={MYSQL.vip: frozenset(ends)})


def held() -> Watch:
    """A monitor that was started anew on the node that holds the group."""
    return Watch(Memory(was={"mysql": Holding.HELD}))


def of_connections(watch: Watch, look: Observation) -> list[Action]:
    return [action for action in watch.does(look) if isinstance(action, Note)]


def test_open_connections_of_the_vip_and_no_others() -> None:
    lines = (HEAD + LISTENS + OWN + OPEN + ENDED).splitlines()
    assert established(lines, frozenset({MYSQL.vip, NFS.vip})) == {
        MYSQL.vip: frozenset({CLIENT}),
        NFS.vip: frozenset(),
    }


def test_who_is_connected_in_two_looks_is_noted_once() -> None:
    watch = held()
    assert of_connections(watch, seen(CLIENT)) == []
    assert of_connections(watch, node(MYSQL)) == []
    [note] = of_connections(watch, seen(CLIENT, OTHER))
    assert note == NOTED
    assert of_connections(watch, seen(CLIENT)) == []
    assert of_connections(watch, seen()) == [Note(path="/srv/db/connections", text="")]
    assert of_connections(watch, seen()) == []


def test_connections_are_read_every_few_seconds_and_only_where_a_group_is(here: Node) -> None:
    (here.proc / "net/tcp").write_text(HEAD + OPEN)
    observer = Observer(CONFIG, proc=here.proc)

    def read(mono: float) -> dict[str, frozenset[str]]:
        now = Now(mono=mono, wall=mono)
        return dict(
            observer.look(Memory(ask=False), now, running=frozenset(), ended=()).connections
        )

    assert read(1.0) == {MYSQL.vip: frozenset({CLIENT})}
    assert read(2.0) == {}
    assert read(1.0 + CONNECTIONS_EVERY_S) == {MYSQL.vip: frozenset({CLIENT})}
    (here.proc / "self/mounts").write_text("")
    (here.proc / "drbd").write_text("")
    (here.proc / "net/fib_trie").write_text("")
    assert read(100.0) == {}


def test_what_a_holder_before_has_noted_stays_until_clients_have_come() -> None:
    watch = Watch()
    assert of_connections(watch, seen(CLIENT)) == []
    assert of_connections(watch, seen(CLIENT)) == [NOTED]


def test_a_note_is_whole_and_root_s_alone(here: Node, tmp_path: Path) -> None:
    file = tmp_path / "connections"
    runner = Runner(CONFIG, proc=here.proc)
    note = Note(path=str(file), text=f"{CLIENT}\n{OTHER}\n")
    runner.do(note, 0.0)
    assert runner.running == {note.key}
    for child, _ in runner.children.values():
        child.wait(20)
    assert [ended.code for ended in runner.collect(0.0)] == [0]
    assert file.read_text() == f"{CLIENT}\n{OTHER}\n"
    assert file.stat().st_mode & 0o777 == 0o600
