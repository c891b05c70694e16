"""A real replica of a real source: copied, followed, late, left alone, and asked by directors."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from pulumi.runtime.proto import provider_pb2

from bootstrap.blocks.mysql import deploy as mysql
from bootstrap.blocks.mysql import instances
from bootstrap.blocks.read_replica import deploy as read_replica
from bootstrap.blocks.read_replica import program
from bootstrap.deploy import render_all
from bootstrap.managed import with_values
from bootstrap.shared import pairs
from provider.certificate import Certificate
from provider.values import decode_struct, encode_struct
from stacks.plan_instances import InstancePlan
from tests.golden.checkers.in_root import baked
from tests.golden.tree import plans
from tests.roots import Root, until, wire

pytestmark = pytest.mark.image

PARTS = (
    "/etc/mysql/",
    "/etc/pairwise/mysql",
    "/etc/pairwise/read-replica",
    "/usr/local/lib/pairwise/",
)
PASSWORD = "ASecretOfTheTest0123456789"
DISK = "/srv/mysql"
HOOK = f"{pairs.FIRST_DATA_HOOKS}/mysql"
SOURCE = (
    f"while [ ! -e /stopped ]; do [ -e {DISK}/data ] || {HOOK} {DISK};"
    " mysqld --user=mysql --server-id=$(cat /id); sleep 0.5; done"
)
STEADY_S = 60.0
LATE_S = 12.0
"""Two seconds of lag, and looks of a machine that has other work."""
RIGHT_AWAY_S = 8.0
ROW = "INSERT INTO site.visits (node, text) VALUES ('source', '{}')"
COUNT = "SELECT COUNT(*) FROM site.visits"


def certificate(*names: str) -> tuple[str, str]:
    request = provider_pb2.CreateRequest(
        urn="urn::name", properties=encode_struct({"names": names})
    )
    made = decode_struct(asyncio.run(Certificate().create(request)).properties)
    return made["certificate"], made["private_key"]


class Replica:
    """The machine of a replica, and what it says."""

    def __init__(self, machine: Root, one: InstancePlan) -> None:
        self.machine = machine
        self.one = one
        self.server = (
            "while [ ! -e /stopped ]; do"
            f" install -d -o mysql -g mysql /run/pairwise-mysql-{one.name};"
            f" {instances.FIRST_DATA} {one.name} &&"
            f" mysqld --defaults-file={instances.settings(one)} --user=mysql; sleep 0.5; done"
        )
        self.agent = (
            f"PYTHONPATH={read_replica.PROGRAM} exec python3 -P -B -u -m {program.__name__}"
            f" {read_replica.CONFIG}"
        )

    def boot(self) -> None:
        self.machine.sh(
            f"install -d -o mysql -g mysql /var/cache/pairwise-mysql-{self.one.name};"
            " mkdir -p /run/pairwise /var/lib/pairwise"
        )
        self.machine.begin(self.server)
        self.machine.begin(self.agent)

    def says(self) -> dict[str, Any]:
        try:
            path = self.machine.root / pairs.READ_REPLICA.lstrip("/")
            found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found

    def fit(self) -> bool:
        return bool(self.says().get("fit"))

    def sql(self, statement: str, *, check: bool = True) -> str:
        client = f"mysql --no-defaults -S {self.one.socket} -uroot -BN"
        return self.machine.sh(f'timeout 10 {client} -e "{statement}"', check=check).strip()

    def ask_for_a_copy(self) -> None:
        """As ``pairwise replication rebuild`` does."""
        (self.machine.root / pairs.READ_REBUILD.lstrip("/")).touch()

    def marks(self) -> list[str]:
        """What is kept of copies."""
        folder = self.machine.root / "var/lib/pairwise"
        asked = self.machine.root / pairs.READ_REBUILD.lstrip("/")
        found = [path.name for path in folder.glob("read-replica-*")]
        return sorted([*found, *([asked.name] if asked.exists() else [])])

    def heard(self, asker: Root) -> tuple[str, str]:
        """What a director hears: HTTP status and words."""
        follows = self.one.follows
        assert follows is not None
        url = f"http://{follows.agent_addresses[0]}:{follows.agent_port}/replica"
        said = asker.sh(f"curl -s --max-time 5 -w '\\n%{{http_code}}' {url}", check=False)
        words, _, status = said.rpartition("\n")
        return status, words


class Pair:
    """Source and replica."""

    def __init__(self, source: Root, replica: Replica) -> None:
        self.source = source
        self.replica = replica

    def write(self, text: str) -> int:
        """A row; returns how many there are."""
        return int(self.ask(f"{ROW.format(text)}; {COUNT}"))

    def ask(self, statement: str, *, check: bool = True) -> str:
        client = "timeout 10 mysql --no-defaults -uroot -BN"
        return self.source.sh(f'{client} -e "{statement}"', check=check).strip()

    def begin_reading(self) -> subprocess.Popen[bytes]:
        """A reader in a transaction that does not end."""
        query = "BEGIN; SELECT COUNT(*) FROM site.visits; SELECT SLEEP(300)"
        reader = self.source.begin(self._reads(query, limit_s=300))
        until(lambda: "SLEEP" in self.replica.sql("SHOW PROCESSLIST"), timeout_s=RIGHT_AWAY_S)
        return reader

    def as_reader(self, statement: str) -> str:
        return self.source.sh(self._reads(statement, limit_s=10), check=False).strip()

    def _reads(self, statement: str, *, limit_s: int) -> str:
        follows, one = self.replica.one.follows, self.replica.one
        assert follows is not None
        client = f"MYSQL_PWD={PASSWORD} timeout {limit_s} mysql --no-defaults -ureader -BN"
        place = f"-h {follows.own_address} -P {one.port}"
        tls = f"--ssl-mode=VERIFY_IDENTITY --ssl-ca={mysql.FOLDER}/replica.pem"
        return f'{client} {place} {tls} -e "{statement}"'

    def power(self, *, on: bool, number: int = 11) -> None:
        """The source's server dies as with its machine; it comes elsewhere, under another id."""
        self.source.sh(f"echo {number} >/id")
        if on:
            self.source.sh("rm -f /stopped")
            self.source.begin(SOURCE)
            until(lambda: self.ask("SELECT 1", check=False) == "1", timeout_s=STEADY_S)
        else:
            self.source.sh("touch /stopped; kill -9 $(cat /run/mysqld/mysqld.pid)")
            self.source.end_processes()


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    plan = plans()["lvs"]
    data, one = plan.nodes["server1"].mysql, plan.nodes["server3"].instances[0]
    assert data is not None
    assert one.follows is not None
    shown, key = certificate(str(data.vip))
    own, own_key = certificate(str(one.follows.own_address))
    names = [*plan.slice("directors").secrets, *plan.slice("web").secrets]
    secrets = dict.fromkeys(names, PASSWORD)
    secrets |= {data.certificate: shown, data.key: key, one.certificate: own, one.key: own_key}
    rendered = render_all(plan)
    machines: list[Root] = []
    try:
        for name in ("server1", "server3"):
            files = {
                path: with_values(file, secrets)
                for path, file in rendered[name].items()
                if path.startswith(PARTS)
            }
            machines.append(Root(baked(), name, files, {f"{mysql.FOLDER}/replica.pem": own}))
        source, replica = machines
        wire(source, replica, "lan", (f"{data.own_address}/24", f"{one.follows.own_address}/24"))
        for machine in machines:
            machine.prepare()
        source.sh(
            f"ip address add {data.vip}/24 dev lan; mkdir -p {DISK}; echo 11 >/id;"
            " install -d -o mysql -g mysql /run/mysqld /var/cache/pairwise-mysql;"
            f" rm -rf {DISK}/data"
        )
        yield Pair(source, Replica(replica, one))
    finally:
        for machine in machines:
            machine.remove()


def test_it_waits_for_its_source_then_copies_and_follows_it(pair: Pair) -> None:
    pair.replica.boot()
    until(lambda: "waits" in str(pair.replica.says().get("why")), timeout_s=STEADY_S)
    assert pair.replica.heard(pair.source)[0] == "503"
    pair.power(on=True)
    pair.write("before the copy")
    until(pair.replica.fit, timeout_s=STEADY_S)
    count = pair.write("after it")
    until(lambda: pair.replica.sql(COUNT) == str(count), timeout_s=RIGHT_AWAY_S)
    assert pair.replica.heard(pair.source) == ("200", "replica_is_current: it has all\n")


def test_readers_read_by_tls_and_nobody_writes(pair: Pair) -> None:
    count = pair.ask(COUNT)
    assert pair.as_reader(COUNT) == count
    assert "--read-only" in pair.as_reader(ROW.format("by a reader"))
    assert "denied" in pair.as_reader("SELECT COUNT(*) FROM mysql.user")
    assert "super-read-only" in pair.replica.sql(ROW.format("by root"), check=False)


def test_a_late_one_is_out_until_it_has_caught_up(pair: Pair) -> None:
    holder = pair.replica.machine.begin(
        f"mysql --no-defaults -S {pair.replica.one.socket} -uroot"
        " -e 'FLUSH TABLES WITH READ LOCK; SELECT SLEEP(60)'"
    )
    until(lambda: "SLEEP" in pair.replica.sql("SHOW PROCESSLIST"), timeout_s=RIGHT_AWAY_S)
    count = pair.write("that is not applied")
    until(lambda: pair.replica.heard(pair.source)[0] == "503", timeout_s=LATE_S)
    assert "behind" in pair.replica.says()["why"]
    ids = pair.replica.sql("SHOW PROCESSLIST")
    number = next(line.split()[0] for line in ids.splitlines() if "SLEEP" in line)
    pair.replica.sql(f"KILL {number}")
    holder.wait(timeout=10)
    until(pair.replica.fit, timeout_s=RIGHT_AWAY_S)
    assert pair.replica.sql(COUNT) == str(count)
    assert pair.replica.heard(pair.source)[0] == "200"


def test_a_take_over_of_the_source_needs_nobody_and_loses_nothing(pair: Pair) -> None:
    count = pair.write("before the take-over")
    until(lambda: pair.replica.sql(COUNT) == str(count), timeout_s=RIGHT_AWAY_S)
    pair.power(on=False)
    until(lambda: not pair.replica.says()["source_answers"], timeout_s=STEADY_S)
    assert pair.replica.heard(pair.source) == (
        "200",
        "replica_is_current: it has all, its source is silent\n",
    )
    pair.power(on=True, number=12)
    assert pair.ask("SELECT @@server_id") == "12"
    count = pair.write("after the take-over")
    until(lambda: pair.replica.sql(COUNT) == str(count), timeout_s=STEADY_S)
    until(lambda: pair.replica.says()["source_answers"], timeout_s=STEADY_S)
    assert pair.replica.fit()


def test_one_that_was_stopped_by_hand_is_started(pair: Pair) -> None:
    pair.replica.sql("STOP REPLICA")
    count = pair.write("while it was stopped")
    until(lambda: pair.replica.sql(COUNT) == str(count), timeout_s=STEADY_S)
    until(pair.replica.fit, timeout_s=RIGHT_AWAY_S)


def test_a_new_password_is_taken_up(pair: Pair) -> None:
    follows = pair.replica.one.follows
    assert follows is not None
    account = f"{follows.account}@'{follows.own_address}'"
    pair.ask(f"ALTER USER {account} IDENTIFIED BY 'AnotherSecretOfTheTest9876543210'")
    pair.replica.machine.sh(
        f"sed -i 's/{PASSWORD}/AnotherSecretOfTheTest9876543210/'"
        f" {read_replica.SECRET} {read_replica.SOURCE}"
    )
    # Those that are connected stay so; these two come anew.
    pair.replica.sql("STOP REPLICA IO_THREAD; START REPLICA IO_THREAD")
    count = pair.write("under the new password")
    until(lambda: pair.replica.sql(COUNT) == str(count), timeout_s=STEADY_S)
    until(pair.replica.fit, timeout_s=RIGHT_AWAY_S)


def test_one_that_cannot_apply_says_why_and_a_person_has_it_copied_anew(pair: Pair) -> None:
    pair.replica.sql(
        "SET GLOBAL super_read_only = OFF; SET sql_log_bin = OFF;"
        " INSERT INTO site.visits (id, node, text) VALUES (1000, 'replica', 'of its own');"
        " SET GLOBAL super_read_only = ON"
    )
    pair.ask("INSERT INTO site.visits (id, node, text) VALUES (1000, 'source', 'the same')")
    until(lambda: "cannot apply" in pair.replica.says()["why"], timeout_s=STEADY_S)
    assert pair.replica.heard(pair.source)[0] == "503"
    # A reader who idles in a transaction has a lock on what the copy drops.
    reader = pair.begin_reading()
    pair.replica.ask_for_a_copy()
    until(pair.replica.fit, timeout_s=STEADY_S)
    assert reader.wait(timeout=10) != 0
    assert pair.replica.sql("SELECT node FROM site.visits WHERE id = 1000") == "source"
    assert not pair.replica.marks()


def test_one_with_transactions_of_its_own_is_out_until_there_is_a_new_copy(pair: Pair) -> None:
    pair.replica.sql(
        "SET GLOBAL super_read_only = OFF;"
        " INSERT INTO site.visits (id, node, text) VALUES (2000, 'replica', 'of its own');"
        " SET GLOBAL super_read_only = ON"
    )
    until(lambda: "needs a new copy" in pair.replica.says()["why"], timeout_s=RIGHT_AWAY_S)
    assert pair.replica.heard(pair.source)[0] == "503"
    assert pair.replica.marks() == ["read-replica-strange"]
    pair.replica.ask_for_a_copy()
    until(pair.replica.fit, timeout_s=STEADY_S)
    assert pair.replica.sql("SELECT COUNT(*) FROM site.visits WHERE id = 2000") == "0"
    assert not pair.replica.marks()


def test_a_copy_that_was_interrupted_is_made_anew_before_anybody_reads(pair: Pair) -> None:
    """Its agent died over it: what is there may be parts of two."""
    # A server that has copied starts anew.
    process = pair.replica.machine.root / f"run/pairwise-mysql-{pair.replica.one.name}/mysqld.pid"
    before = process.read_text()
    mark = pair.replica.machine.root / "var/lib/pairwise/read-replica-copies"
    mark.touch()
    until(lambda: not mark.exists(), timeout_s=STEADY_S)
    until(pair.replica.fit, timeout_s=STEADY_S)
    assert process.read_text() != before
