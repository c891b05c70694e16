"""MySQL Router before a node's HAProxy, and two real servers behind it: statement by statement."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.golden.tree import plans
from tests.gtid.two_roots import PID, until
from tests.split.test_two_splitters import (
    READS_S,
    WRITE,
    running,
    statements_are_where_they_belong,
    steady,
)
from tests.split.two_splitters import Node, Reader, reading

pytestmark = pytest.mark.image

WHERE_WRITES_GO = "BEGIN; SELECT @@server_id; COMMIT"
ASKS = """\
$place = (require '/etc/pairwise/app.php')['database'];
$at = "mysql:host={$place['address']};port={$place['port']};dbname={$place['name']}";
$options = [PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION];
$one = new PDO($at, $place['user'], $place['password'], $options);
$ask = fn (string $text) => $one->query($text)->fetchColumn();
$told = ['select' => $ask('SELECT @@server_id')];
$told['show variables'] = $one->query("SHOW VARIABLES LIKE 'server_id'")->fetch()[1];
$told['cte'] = $ask('WITH a AS (SELECT @@server_id AS id) SELECT id FROM a');
$one->exec("INSERT INTO visits (node, text) VALUES ('n', @@server_id)");
$id = $one->lastInsertId();
$told['insert'] = $ask("SELECT text FROM visits WHERE id = $id");
$told['own'] = $ask("SELECT @@server_id FROM visits WHERE id = $id");
$told['for update'] = $ask("SELECT @@server_id FROM visits WHERE id = $id FOR UPDATE");
$one->beginTransaction();
$told['transaction'] = $ask('SELECT @@server_id');
$one->commit();
$told['afterwards'] = $ask('SELECT @@server_id');
$emulated = $one->prepare('SELECT @@server_id FROM visits WHERE id = ?');
$emulated->execute([$id]);
$told['emulated'] = $emulated->fetchColumn();
$options[PDO::ATTR_EMULATE_PREPARES] = false;
$real = new PDO($at, $place['user'], $place['password'], $options);
$prepared = $real->prepare('SELECT @@server_id FROM visits WHERE id = ?');
$prepared->execute([$id]);
$told['prepared'] = $prepared->fetchColumn();
$ask("SELECT GET_LOCK('a', 1)");
$told['lock'] = $ask('SELECT @@server_id');
echo json_encode(array_map('strval', $told));
"""
"""Which server executes what, for docs/decisions/rw-split.md."""


@pytest.fixture(scope="module")
def nodes() -> Iterator[tuple[Node, Node]]:
    with running(plans()["duo"]) as found:
        yield found


def test_each_kind_of_statement_is_where_the_documents_say(nodes: tuple[Node, Node]) -> None:
    one, other = nodes
    steady(one, other)
    try:
        until(lambda: one.ask(_port(one), "SELECT @@server_id") == other.id, timeout_s=20)
    except TimeoutError:
        pytest.fail(f"{one.ask(_port(one), 'SELECT @@server_id')}\n{one.log()[-4000:]}")
    source, replica = one.id, other.id
    assert one.php(ASKS) == {
        "select": replica,
        "show variables": source,
        "cte": replica,
        "insert": source,
        "own": replica,
        "for update": source,
        "transaction": source,
        "afterwards": replica,
        "emulated": replica,
        "prepared": source,
        "lock": source,
    }


def test_each_of_ten_thousand_statements_is_where_it_belongs(nodes: tuple[Node, Node]) -> None:
    statements_are_where_they_belong(*nodes)


def test_a_replica_that_is_stopped_or_frozen_keeps_nobody_from_reading(
    nodes: tuple[Node, Node],
) -> None:
    one, other = nodes
    steady(one, other)
    with reading(one, _port(one)) as reader:
        begun = time.monotonic()
        other.stop_server()
        until_it_goes_to(reader, one)
        stopped = reader.failed(begun)
        other.start_server()
        steady(one, other)
        until_it_goes_to(reader, other)
    with reading(one, _port(one)) as reader:
        begun = time.monotonic()
        other.sh(f"kill -STOP $(cat {PID})")
        until_it_goes_to(reader, one)
        frozen = reader.failed(begun)
        other.sh(f"kill -CONT $(cat {PID})")
        steady(one, other)
    print("replica stopped, frozen: reads failed for", stopped, frozen)
    other.asked(), one.asked()
    assert stopped <= READS_S and frozen <= READS_S


def test_a_switchover_is_followed(nodes: tuple[Node, Node]) -> None:
    one, other = nodes
    steady(one, other)
    with reading(one, _port(one)) as reads:
        begun = time.monotonic()
        one.vip(held=False)
        other.vip(held=True)
        until(lambda: one.ask(_port(one), WHERE_WRITES_GO) == other.id, timeout_s=40)
        assert one.ask(_port(one), WRITE) == ""
        took = round(time.monotonic() - begun, 2)
        steady(other, one)
        until_it_goes_to(reads, one)
        silence = reads.silence(begun)
    print("switchover: writes after", took, "no answer to a read for", silence)
    assert silence <= READS_S


def _port(node: Node) -> int:
    assert node.split.router is not None
    return node.split.router.port


def until_it_goes_to(reader: Reader, node: Node) -> None:
    """Wait until the last answer came from a server."""
    try:
        until(lambda: bool(reader.seen) and reader.seen[-1][2] == node.id, timeout_s=15)
    except TimeoutError:
        words = [f"{answer} {end - begun:.1f} s" for begun, end, answer in reader.seen[-20:]]
        pytest.fail("\n".join([f"not {node.id}:", *words, reader.node.log()[-4000:]]))
