"""Two real servers behind two HAProxies: who writes and reads where, and what a fault costs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address

import pytest
from pulumi.runtime.proto import provider_pb2

from bootstrap.deploy import render_all
from bootstrap.managed import with_values
from drills.scenarios import splits
from drills.workloads import split_mix, split_reads
from drills.workloads.recorder import recording
from provider.certificate import Certificate
from provider.values import decode_struct, encode_struct
from stacks.plan_gtid import SPLIT_ADDRESS
from stacks.plan_types import Plan
from tests.golden.checkers.in_root import baked
from tests.golden.tree import plans
from tests.gtid.two_roots import PID, connect
from tests.roots import until
from tests.split.two_splitters import PASSWORD, Node, reading

pytestmark = pytest.mark.image

PARTS = (
    "/etc/mysql/",
    "/etc/pairwise/",
    "/etc/haproxy/",
    "/usr/local/lib/pairwise/",
    "/var/www/pairwise-app/",
)
STEADY_S = 30.0
READS_S = 3.0
"""A replica that is stopped or frozen keeps nobody from reading for longer."""
BACK_S = 5.0
"""After it has caught up."""
MAX_LAG_S = 2.0
COUNT = "SELECT COUNT(*) FROM site.visits"
WRITE = "INSERT INTO site.visits (node, text) VALUES (1, 2)"
HOLD = "mysql --no-defaults --user=root -e 'FLUSH TABLES WITH READ LOCK; DO SLEEP({})'"
"""The replica's applier waits, and its receiver goes on: a real lag."""
LONG_S = 15
OWN = """\
$insert = 'INSERT INTO visits (node, text) VALUES (:node, :text)';
for ($i = 0; $i < %d; $i++) {
    $id = $db->write($insert, ['node' => 'n', 'text' => 't']);
    $question = 'SELECT @@server_id AS server, MAX(id) AS id FROM visits';
    $row = $db->read($question, $db->written())[0];
    echo $row['server'], $row['id'] >= $id ? ' fresh' : ' stale', PHP_EOL;
}
"""
"""Writes, and reads what it has written."""


def certificate(names: list[str]) -> tuple[str, str]:
    properties = encode_struct({"names": names})
    request = provider_pb2.CreateRequest(urn="urn::name", properties=properties)
    made = decode_struct(asyncio.run(Certificate().create(request)).properties)
    return made["certificate"], made["private_key"]


@pytest.fixture(scope="module")
def nodes() -> Iterator[tuple[Node, Node]]:
    with running(plans()["duo-ports"]) as found:
        yield found


@contextmanager
def running(plan: Plan) -> Iterator[tuple[Node, Node]]:
    """Both nodes of pair duo, the first one source."""
    gtid = plan.nodes["server1"].gtid
    assert gtid is not None
    own: list[IPv4Address] = [*gtid.addresses.values(), SPLIT_ADDRESS]
    shown, key = certificate([str(gtid.mysql.vip), *map(str, own)])
    secrets = dict.fromkeys(plan.slice("duo").secrets, PASSWORD)
    secrets |= {gtid.mysql.certificate: shown, gtid.mysql.key: key}
    made: list[Node] = []
    try:
        for name, files in render_all(plan).items():
            mine = {p: with_values(f, secrets) for p, f in files.items() if p.startswith(PARTS)}
            made.append(Node(baked(), plan.nodes[name], mine))
        one, other = made
        connect(one, other)
        for node in made:
            node.prepare()
            node.boot()
        one.vip(held=True)
        yield one, other
    finally:
        for node in made:
            node.remove()


def steady(source: Node, replica: Node) -> None:
    """Both splitters write to the one and read from the other."""
    rows = [(source.node.name, "source", "up"), (replica.node.name, "replica", "up")]
    try:
        until(lambda: source.table() == replica.table() == rows, timeout_s=STEADY_S)
    except TimeoutError:
        words = [f"{n.table()}\n{n.says()}\n{n.log()[-4000:]}" for n in (source, replica)]
        pytest.fail("\n".join(words))
    for node in (source, replica):
        assert (node.writes_to(), node.reads_from()) == (source.id, replica.id)


def alone(source: Node, *others: Node, timeout_s: float = 10.0) -> None:
    """Wait until the splitters' tables have one row."""
    rows = [(source.node.name, "source", "up")]
    try:
        until(lambda: all(n.table() == rows for n in (source, *others)), timeout_s=timeout_s)
    except TimeoutError:
        words = [f"{n.table()}\n{n.says()}\n{n.log()[-4000:]}" for n in (source, *others)]
        pytest.fail("\n".join(words))


def test_writes_go_to_the_source_and_reads_to_the_replica(nodes: tuple[Node, Node]) -> None:
    one, other = nodes
    steady(one, other)
    for node in nodes:
        assert node.ask(node.split.write_port, WRITE) == ""
    until(lambda: one.ask(one.split.read_port, COUNT) == "2", timeout_s=9)
    assert "read-only" in one.ask(one.split.read_port, WRITE)


def test_a_reader_sees_its_own_write(nodes: tuple[Node, Node]) -> None:
    one, other = nodes
    steady(one, other)
    assert set(one.page(OWN % 50).split("\n")) == {f"{other.id} fresh"}
    # One that does not catch up in time leaves the answer to the source.
    holding = other.begin(HOLD.format(4))
    until(lambda: "User sleep" in other.sql("SHOW PROCESSLIST"), timeout_s=9)
    assert one.page(OWN % 1) == f"{one.id} fresh"
    holding.wait(timeout=9)
    steady(one, other)


def test_each_of_ten_thousand_statements_is_where_it_belongs(nodes: tuple[Node, Node]) -> None:
    statements_are_where_they_belong(*nodes)


def statements_are_where_they_belong(one: Node, other: Node) -> None:
    """By the programs that the drills run."""
    steady(one, other)
    gtid = one.node.gtid
    assert gtid is not None
    one.sh(split_mix.clear_command(gtid.mysql.database))
    rounds = splits.STATEMENTS // split_mix.STATEMENTS
    begun = time.monotonic()
    told = one.sh(split_mix.command(rounds=rounds, source=one.node.id, replica=other.node.id))
    mix = split_mix.understood(told)
    print(mix, "in", round(time.monotonic() - begun, 1), "s")
    assert mix.writes == 2 * rounds and mix.own == rounds
    assert not mix.wrong(least=splits.LEAST)
    with recording(one.inside(split_reads.command())) as reads:
        reads.wait_for_more(4, timeout_s=20)
    assert {read.server for read in reads.acknowledged()} == {other.id}


def test_a_replica_that_is_stopped_or_frozen_keeps_nobody_from_reading(
    nodes: tuple[Node, Node],
) -> None:
    one, other = nodes
    steady(one, other)
    with reading(one, one.split.read_port) as reader:
        begun = time.monotonic()
        other.stop_server()
        alone(one, other)
        assert one.page("echo $db->read('SELECT @@server_id AS s')[0]['s'];") == one.id
        stopped = reader.failed(begun), reader.since(begun, one.id)
        other.start_server()
        steady(one, other)
    print("replica stopped: reads failed for, and went there for:", stopped)
    assert stopped[0] <= READS_S

    with reading(one, one.split.read_port) as reader:
        begun = time.monotonic()
        other.sh(f"kill -STOP $(cat {PID})")
        alone(one, other)
        time.sleep(1)
        frozen = reader.failed(begun), reader.since(begun, one.id)
        other.sh(f"kill -CONT $(cat {PID})")
        steady(one, other)
    print("replica frozen: reads failed for, and went there for:", frozen)
    assert frozen[1] <= READS_S
    other.asked(), one.asked()


def test_a_replica_that_lags_is_left_alone_until_it_has_caught_up(
    nodes: tuple[Node, Node],
) -> None:
    one, other = nodes
    steady(one, other)
    session = one.begin(one.client(one.split.read_port, "SELECT SLEEP(14)"))
    until(lambda: "SLEEP(14)" in other.sql("SHOW PROCESSLIST"), timeout_s=9)
    holding = other.begin(HOLD.format(LONG_S))
    until(lambda: "User sleep" in other.sql("SHOW PROCESSLIST"), timeout_s=9)
    with reading(one, one.split.read_port) as reader:
        begun = time.monotonic()
        assert one.ask(one.split.write_port, WRITE) == ""
        until(lambda: (other.node.name, "replica", "drains") in one.table(), timeout_s=9)
        alone(one, timeout_s=15)
        drained = round(time.monotonic() - begun, 2)
        # What had begun had its time to end.
        session.wait(timeout=5)
        left = reader.since(begun, one.id)
        holding.wait(timeout=LONG_S + 5)
        wanted = one.sql(COUNT)
        until(lambda: other.sql(COUNT) == wanted, timeout_s=10)
        caught_up = time.monotonic()
        until(lambda: reader.seen[-1][2] == other.id, timeout_s=10)
        back = round(time.monotonic() - caught_up, 2)
    print("lag: left alone after", left, "cut after", drained, "back after", back)
    assert reader.failures(begun, caught_up) == 0
    # One that was with the source when the replica came back.
    assert reader.failures(begun) <= 1
    assert left <= MAX_LAG_S + 3
    assert back <= BACK_S
    steady(one, other)


def test_a_switchover_is_followed(nodes: tuple[Node, Node]) -> None:
    one, other = nodes
    steady(one, other)
    session = one.begin(one.client(one.split.write_port, "SELECT SLEEP(60)"))
    until(lambda: "SLEEP(60)" in one.sql("SHOW PROCESSLIST"), timeout_s=9)
    with (
        reading(one, one.split.read_port) as reads,
        reading(other, other.split.write_port) as writes,
    ):
        begun = time.monotonic()
        one.vip(held=False)
        other.vip(held=True)
        until(lambda: one.ask(one.split.write_port, WRITE) == "", timeout_s=30)
        steady(other, one)
        silence = reads.silence(begun)
    print("switchover: no writes until", writes.since(begun, other.id))
    print("no answer to a read for", silence)
    assert session.wait(timeout=1) != 0
    # One that was with the new source when its replica came back.
    assert reads.failures(begun) <= 1
    assert silence <= READS_S


def test_a_power_cut_is_followed_and_the_table_says_so(nodes: tuple[Node, Node]) -> None:
    one, other = nodes
    steady(other, one)
    one.asked()
    with reading(one, one.split.read_port) as reads, reading(one, one.split.write_port) as writes:
        begun = time.monotonic()
        other.wire(up=False)
        other.power_off()
        other.vip(held=False)
        until(lambda: (one.root / "probed").exists(), timeout_s=20)
        (one.root / "off").touch()
        one.vip(held=True)
        until(lambda: one.ask(one.split.write_port, WRITE) == "", timeout_s=30)
        alone(one, timeout_s=15)
        took = round(time.monotonic() - begun, 2)
        assert one.reads_from() == one.id
        other.wire(up=True)
        other.boot()
        steady(one, other)
        silence = reads.silence(begun)
    print("power cut: writes after", took, "until", writes.since(begun, one.id))
    print("no answer to a read for", silence)
    assert silence <= READS_S
