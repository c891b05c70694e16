"""Two real servers and two reconcilers, from the first start to the rebuild of an ex-source."""

from __future__ import annotations

import asyncio
import shlex
import threading
import time
from collections.abc import Iterator

import pytest
from pulumi.runtime.proto import provider_pb2

from bootstrap.blocks.mysql import checks as verify
from bootstrap.deploy import render_all
from bootstrap.managed import with_values
from bootstrap.shared import pairs
from cli import replication as conditions
from drills import checkers, inside
from drills.invariants import Verdict
from drills.workloads import append, local_append, mysql_append
from drills.workloads.recorder import end_group, recording, start_group
from provider.certificate import Certificate
from provider.values import decode_struct, encode_struct
from tests.golden.checkers.in_root import baked
from tests.golden.tree import plans
from tests.gtid.two_roots import ROW, Machine, connect, vrrp
from tests.roots import until

pytestmark = pytest.mark.image

PARTS = ("/etc/mysql/", "/etc/pairwise/mysql", "/etc/pairwise/gtid", "/usr/local/lib/pairwise/")
STEADY_S = 30.0
ASKED_S = 20.0
"""The peer's silence, and two looks at it that wait for an answer."""
SILENCE_S = 10.0
"""Longer than a silence."""
COUNT = "SELECT COUNT(*) FROM site.visits"


def certificate(names: list[str]) -> tuple[str, str]:
    properties = encode_struct({"names": names})
    request = provider_pb2.CreateRequest(urn="urn::name", properties=properties)
    made = decode_struct(asyncio.run(Certificate().create(request)).properties)
    return made["certificate"], made["private_key"]


@pytest.fixture(scope="module")
def machines() -> Iterator[tuple[Machine, Machine]]:
    plan = plans()["duo"]
    gtid = plan.nodes["server1"].gtid
    assert gtid is not None
    shown, key = certificate([str(gtid.mysql.vip), *map(str, gtid.addresses.values())])
    secrets = dict.fromkeys(plan.slice("duo").secrets, "ASecretOfTheTest0123456789")
    secrets |= {gtid.mysql.certificate: shown, gtid.mysql.key: key}
    made = []
    try:
        for name, files in render_all(plan).items():
            mine = {p: with_values(f, secrets) for p, f in files.items() if p.startswith(PARTS)}
            made.append(Machine(baked(), plan.nodes[name], mine))
        one, other = made
        connect(one, other)
        for machine in made:
            machine.prepare()
            machine.boot()
        yield one, other
    finally:
        for machine in made:
            machine.remove()


def steady(source: Machine, replica: Machine) -> None:
    def is_so() -> bool:
        here, there = source.says(), replica.says()
        return (
            here.get("role") == "source"
            and not here["alone"]
            and there.get("role") == "replica"
            and there["current"]
            and there["source"] == source.node.name
            and there["lag_s"] is not None
        )

    try:
        until(is_so, timeout_s=STEADY_S)
    except TimeoutError:
        words = [f"{m.says()}\n{m.log()[-3000:]}" for m in (source, replica)]
        pytest.fail("\n".join(words))


def moves(source: Machine, replica: Machine) -> None:
    """Wait until steady while VRRP moves the VIP."""

    def is_so() -> bool:
        vrrp((source, replica))
        return source.says().get("role") == "source" and source.held

    try:
        until(is_so, timeout_s=STEADY_S)
    except TimeoutError:
        words = [f"{m.says()}\n{m.log()[-3000:]}" for m in (source, replica)]
        pytest.fail("\n".join(words))


def test_life_of_a_pair(machines: tuple[Machine, Machine]) -> None:
    one, other = machines
    one.vip(held=True)
    steady(one, other)

    # A write is on both; the replica takes none, not even from root.
    one.sql(ROW.format("first"))
    until(lambda: other.sql(COUNT) == "1", timeout_s=5)
    assert "super-read-only" in other.sql(ROW.format("x"), check=False)

    # Without its replica the source acknowledges nothing, and asks before it goes on.
    other.wire(up=False)
    begun = time.monotonic()
    one.sql(ROW.format("waits"), check=False, timeout_s=3)
    assert time.monotonic() - begun >= 3
    until(lambda: (one.root / "asked").exists(), timeout_s=ASKED_S)
    assert {p["id"] for p in one.says()["problems"]} == {"writes-wait"}
    other.wire(up=True)
    steady(one, other)
    until(lambda: other.sql(COUNT) == "2", timeout_s=10)

    # A switchover.
    epoch = one.says()["epoch"]
    begun = time.monotonic()
    one.vip(held=False)
    other.vip(held=True)
    steady(other, one)
    print("switchover:", round(time.monotonic() - begun, 1))
    other.sql(ROW.format("switched"))
    assert other.says()["epoch"] > epoch

    # The source loses power with a write that was never acknowledged.
    other.wire(up=False)
    other.sql(ROW.format("nobody was told"), check=False, timeout_s=1)
    one.asked()
    other.power_off()
    other.vip(held=False)
    begun = time.monotonic()
    until(lambda: (one.root / "probed").exists(), timeout_s=ASKED_S)
    assert one.says()["role"] == "replica"
    assert not one.says()["may_hold"]
    (one.root / "off").touch()
    until(lambda: one.sql(ROW.format("promoted"), check=False, timeout_s=2) == "", timeout_s=15)
    print("writes again after:", round(time.monotonic() - begun, 1))
    assert one.says()["may_hold"]
    one.vip(held=True)
    until(lambda: [p["id"] for p in one.says()["problems"]] == ["no-replica"], timeout_s=5)
    texts = one.sql("SELECT text FROM site.visits ORDER BY id").split("\n")
    assert texts == ["first", "waits", "switched", "promoted"]

    # It comes back, is quarantined, and rebuilt when a person says so.
    other.wire(up=True)
    other.boot()
    until(lambda: other.says().get("role") == "quarantined", timeout_s=STEADY_S)
    assert other.says()["problems"][0]["id"] == "quarantined"
    assert one.says()["writable"]
    (other.root / pairs.REBUILD.lstrip("/")).touch()
    begun = time.monotonic()
    steady(one, other)
    print("rebuilt after:", round(time.monotonic() - begun, 1))
    until(
        lambda: other.sql("SELECT text FROM site.visits ORDER BY id").split("\n") == texts,
        timeout_s=9,
    )

    # Each condition by name, asked as the command does, and as `verify` does.
    answers = {
        machine.node.name: conditions.parse(machine.sh(conditions.script()), heard=time.time())
        for machine in machines
    }
    gtid = one.node.gtid
    assert gtid is not None
    found = conditions.check(gtid, {name: a for name, a in answers.items() if a is not None})
    assert [result for result in found if not result.passed] == []
    assert len(found) > 40
    for check in verify.gtid_checks(one.node, gtid, stack="duo", unit="mysql.service"):
        asked = check.command.replace("systemctl is-active --quiet mysql.service", "true")
        assert one.sh(f"{asked} && echo yes").strip() == "yes", check.name


def test_what_the_drills_run_understands_the_servers(machines: tuple[Machine, Machine]) -> None:
    one, other = machines
    gtid = one.node.gtid
    assert gtid is not None
    one.sh(mysql_append.clear_command(gtid.mysql.database))
    text = local_append.command(gtid.mysql.database, gtid.mysql.vip)
    text = text.replace("{first}", "1").replace("{step}", "2")
    with recording(one.inside(text)) as here, recording(other.inside(text)) as there:
        here.wait_for_more(10, timeout_s=30)
        until(lambda: [w for w in there.history() if w.error == "read-only"], timeout_s=30)
    assert there.acknowledged() == []
    assert all(write.served for write in here.acknowledged())
    found = append.numbers(one.sh(mysql_append.read_command(gtid.mysql.database)))
    assert checkers.writes_kept(here.history(), found).verdict is Verdict.PASS
    for machine, writable in ((one, True), (other, False)):
        asks = shlex.join(["python3", "-c", inside.PROGRAM, *inside.ASKS])
        process = start_group(machine.inside(asks))
        assert process.stdout is not None
        lines = [process.stdout.readline().decode() for _ in range(4)]
        end_group(process)
        process.stdout.close()
        sample = inside.sample_of(machine.node.name, lines[-1], at=0.0, wall=0.0)
        assert sample is not None and sample.writable is writable


def test_shutdowns_and_crashes_cost_no_power_off(machines: tuple[Machine, Machine]) -> None:
    one, other = machines
    moves(one, other)
    steady(one, other)
    for machine in machines:
        machine.asked()

    # The source's machine is shut down: the other one is source before it is off, and alone.
    begun = time.monotonic()
    leaving = threading.Thread(target=one.leave)
    leaving.start()
    moves(other, one)
    assert other.sql(ROW.format("handed over"), timeout_s=20) == ""
    print("handed over after:", round(time.monotonic() - begun, 1))
    leaving.join()
    print("left after:", round(time.monotonic() - begun, 1))
    time.sleep(SILENCE_S)
    assert other.sql(ROW.format("alone"), timeout_s=3) == ""
    assert other.asked() == set()
    one.boot()
    steady(other, one)

    # The replica's machine is: the source goes on alone at once.
    one.leave()
    assert other.sql(ROW.format("alone again"), timeout_s=3) == ""
    time.sleep(SILENCE_S)
    assert other.asked() == set()
    one.boot()
    steady(other, one)

    # Either mysqld dies and is started again: nobody is powered off, and the VIP stays.
    write = ROW.format("after a crash")
    for machine in (one, other):
        begun = time.monotonic()
        machine.crash_server()
        vrrp(machines)
        print("answers after a crash:", round(time.monotonic() - begun, 1))
        until(lambda: other.sql(write, check=False, timeout_s=20) == "", timeout_s=STEADY_S)
        print("writes after a crash:", round(time.monotonic() - begun, 1))
        vrrp(machines)
        steady(other, one)
        assert other.held
        assert "asked" not in one.asked() | other.asked()
        assert other.says()["may_hold"] and not one.says()["may_hold"]

    # A server that is stopped while a write waits tells nobody that the write is kept.
    one.wire(up=False)
    client = other.begin(f'mysql --no-defaults --user=root -vvv -e "{ROW.format("pending")}"')
    until(lambda: "semi-sync ACK" in other.sql("SHOW PROCESSLIST"), timeout_s=10)
    other.stop_server()
    client.wait(timeout=10)
    assert "Query OK" not in other.log()
    assert client.returncode != 0
