"""MySQL Router before a node's HAProxy, and two real servers behind it: statement by statement."""

from __future__ import annotations

import csv
import json
import shlex
import time
from collections import Counter
from collections.abc import Iterator
from functools import partial

import pytest

from bootstrap.blocks.rw_split import backends, router
from bootstrap.facts import mysql as facts
from stacks.plan_gtid_types import RouterPlan
from tests.golden.tree import plans
from tests.gtid.two_roots import PID
from tests.roots import until
from tests.split.test_two_splitters import (
    READS_S,
    WRITE,
    running,
    statements_are_where_they_belong,
    steady,
)
from tests.split.two_splitters import APP, Node, Reader, reading
from tests.uploads import is_kept

pytestmark = pytest.mark.image

OFTEN = f"sed -i 's/^ttl = .*/ttl = 0.1/' {router.CONFIG}; pkill -KILL -x mysqlrouter"
"""Router looks ten times a second; the one that did not is gone at once."""
CUT = """\
cut=0
end=$((SECONDS + {within}))
while [ $cut -lt {count} ] && [ $SECONDS -lt $end ]; do
    sleep 0.0$((RANDOM % 3 + 1))
    gone=$(ss --kill --no-header dst 127.0.0.1 dport = {port} 2>/dev/null | grep -c .)
    cut=$((cut + gone))
done
echo $cut $SECONDS
"""
"""Ends so many sessions to a port as HAProxy does when a replica comes back, whatever they do
just then; says how many there were, and in how many seconds."""
SESSIONS, CUT_WITHIN_S = 20, 90
"""As many meet each moment of a look; 10 to 20 s where nothing else runs, as a look is short."""
SLOW_S = 2.5
"""Longer than a busy hypervisor keeps machines from answering; HAProxy bears with a silent source
for twice as long."""
BEARS_S, FREEZES = 4.0, 5
"""Less than that twice, and how often a freeze may take longer than it was meant to."""
BLIND = "Failed fetching metadata from any"
"""What Router says when it closes its port until its next look."""
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
UPLOADS = f"""\
require '{APP}/store.php';
file_put_contents('/tmp/file', random_bytes(5 * Pairwise\\PART_BYTES / 2));
$sha256 = hash_file('sha256', '/tmp/file');
Pairwise\\upload_in_database($db, '/tmp/file', $sha256);
Pairwise\\upload_in_database($db, '/tmp/file', $sha256);
echo $sha256;
"""
"""What PHP does with a file that a client has sent, and sends again."""


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


def test_a_preview_sees_tables_and_metadata_that_a_new_pair_has(nodes: tuple[Node, Node]) -> None:
    one, other = nodes
    steady(one, other)
    seen = facts.process(one.sh(facts.script("site")).splitlines())
    gtid = one.node.gtid
    assert gtid is not None
    assert gtid.metadata is not None
    assert seen is not None
    assert seen.metadata == gtid.metadata.places
    assert {"site.contents", "site.visits"} <= seen.tables
    # The replica has them from its source, and says nothing of its own.
    assert facts.process(other.sh(facts.script("site")).splitlines()) is None


def test_an_upload_is_in_both_servers_once(nodes: tuple[Node, Node]) -> None:
    one, other = nodes
    steady(one, other)
    sha256 = one.page(UPLOADS)
    assert len(sha256) == 64, sha256
    for node in nodes:
        until(partial(is_kept, node.sh, sha256, parts=3), timeout_s=10)


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


def test_router_goes_on_where_a_session_of_its_look_is_cut(nodes: tuple[Node, Node]) -> None:
    one, other = nodes
    source, replica = (other, one) if one.writes_to() == other.id else (one, other)
    steady(source, replica)
    one.sh(OFTEN)
    until(lambda: one.ask(_port(one), WHERE_WRITES_GO) == source.id, timeout_s=20)
    begun = len(one.log())
    cut = CUT.format(port=one.split.read_port, count=SESSIONS, within=CUT_WITHIN_S)
    looped = one.sh(f"cd / && bash -c {shlex.quote(cut)}", timeout_s=CUT_WITHIN_S + 30)
    ended, took = looped.split()
    print("sessions cut:", ended, "in", took, "s")
    assert int(ended) >= SESSIONS
    assert BLIND not in one.log()[begun:]
    state = json.loads((one.root / router.RUN.lstrip("/") / "state.json").read_text("utf-8"))
    asked = state["metadata-cache"]["cluster-metadata-servers"]
    assert asked[-1].endswith(f":{_own(one).metadata_port}"), asked


def test_router_ends_its_looks_at_the_source(nodes: tuple[Node, Node]) -> None:
    """The one that it goes on using hangs with its server, and Router closes its port for that."""
    one, other = nodes
    source, replica = (other, one) if one.writes_to() == other.id else (one, other)
    steady(source, replica)
    one.sh(OFTEN)
    until(lambda: one.ask(_port(one), WHERE_WRITES_GO) == source.id, timeout_s=20)
    begun = _looks(one)
    until(lambda: _looks(one)[source.node.name] > begun[source.node.name] + 10, timeout_s=20)
    assert _looks(one)[replica.node.name] == begun[replica.node.name]


def _looks(node: Node) -> dict[str, int]:
    """Sessions that a node's Router has had for the end of its looks, by server."""
    stats = backends.ask(str(node.root / backends.SOCKET.lstrip("/")))
    rows = csv.DictReader(stats.removeprefix("# ").strip().splitlines())
    found: Counter[str] = Counter()
    for row in rows:
        if row["pxname"] == "metadata":
            found[row["svname"].partition(":")[0]] += int(row["stot"])
    return found


def test_router_keeps_its_port_where_no_server_answers_for_a_moment(
    nodes: tuple[Node, Node],
) -> None:
    """Seen on machines whose hypervisor had more to do than it could."""
    one, other = nodes
    source, replica = (other, one) if one.writes_to() == other.id else (one, other)
    steady(source, replica)
    one.sh(OFTEN)
    until(lambda: one.ask(_port(one), WHERE_WRITES_GO) == source.id, timeout_s=20)
    for _ in range(FREEZES):
        begun, frozen = len(one.log()), time.monotonic()
        other.sh(f"kill -STOP $(cat {PID})")
        one.sh(f"kill -STOP $(cat {PID}); sleep {SLOW_S}; kill -CONT $(cat {PID})")
        other.sh(f"kill -CONT $(cat {PID})")
        if time.monotonic() - frozen < BEARS_S:
            break
        # A busy machine has frozen them for so long that HAProxy is right to give them up.
        until(lambda: one.ask(_port(one), WHERE_WRITES_GO) == source.id, timeout_s=60)
    else:
        pytest.fail(f"this machine freezes nothing for less than {BEARS_S} s")
    assert BLIND not in one.log()[begun:], one.log()[begun:]
    assert one.ask(_port(one), WHERE_WRITES_GO) == source.id


def _own(node: Node) -> RouterPlan:
    assert node.split.router is not None
    return node.split.router


def _port(node: Node) -> int:
    return _own(node).port


def until_it_goes_to(reader: Reader, node: Node) -> None:
    """Wait until the last answer came from a server."""
    try:
        until(lambda: bool(reader.seen) and reader.seen[-1][2] == node.id, timeout_s=15)
    except TimeoutError:
        words = [f"{answer} {end - begun:.1f} s" for begun, end, answer in reader.seen[-20:]]
        pytest.fail("\n".join([f"not {node.id}:", *words, reader.node.log()[-4000:]]))
