"""Accounts as the fact reads them: what MySQL 9.7 wrote of a password, and who is let in."""

from __future__ import annotations

from pyinfra.context import ctx_host

from bootstrap.changes import UNKNOWN, take
from bootstrap.deploy import manifests
from bootstrap.facts import mysql as facts
from bootstrap.facts import node
from bootstrap.facts.node import Seen
from bootstrap.managed import union
from bootstrap.operations import mysql as operations
from tests.golden.tree import plans
from tests.operations.fake import FakeHost

PASSWORD = "OldSecretOfTheSite0123456789abcd"
CODE = (
    "244124303041241C260C6F3F0F3E25041D39137B7349667D323902764B687831376F"
    "30484766746D463252695A6C5A4961412E444E556452567149644851484E4D2E6E2F3638"
)
"""Of that password, from mysql.user of MySQL 9.7.4 in the golden image."""
LINES = [
    "runs",
    f"account\tsite\t10.71.1.21\tcaching_sha2_password\t1\t0\t{CODE}",
    "account\tsite\t%\tauth_socket\t0\t1\t",
    "right\tsite\t10.71.1.21\tSELECT ON site.*",
    "right\tsite\t10.71.1.21\tUPDATE GRANTABLE ON *.*",
    "table\tsite.visits",
    "table\tsite.contents",
    "metadata\t127.0.0.1:3316",
    "metadata\t127.0.0.1:3317",
]


def test_what_mysql_keeps_of_a_password() -> None:
    code = bytes.fromhex(CODE)
    assert facts.verifier(PASSWORD, salt=code[7:27], rounds=10_000) == code


def test_a_server_and_its_accounts() -> None:
    found = facts.process(LINES)
    assert found is not None
    client, everybody = found.accounts["site"]["10.71.1.21"], found.accounts["site"]["%"]
    assert client.lets_in(PASSWORD)
    assert not client.lets_in(f"{PASSWORD}x")
    assert client.rights == {"SELECT ON site.*", "UPDATE GRANTABLE ON *.*"}
    assert (client.tls, client.locked) == (True, False)
    assert (everybody.tls, everybody.locked) == (False, True)
    assert not everybody.lets_in("")
    assert found.tables == {"site.contents", "site.visits"}
    assert found.metadata == ("127.0.0.1:3316", "127.0.0.1:3317")


def test_no_server_is_not_one_without_accounts() -> None:
    assert facts.process([]) is None
    assert facts.process(["runs"]) == facts.SeenMysql()


def test_a_verifier_is_in_no_text_about_an_account() -> None:
    assert "A$" not in repr(facts.process(LINES))
    assert CODE[20:40] not in repr(facts.process(LINES))


def test_only_the_nodes_of_a_mysql_pair_are_asked_and_no_secret_is_in_the_question() -> None:
    plan = plans()["six"]
    for name, asked in (("data1", True), ("web1", False), ("lb1", False)):
        own = plan.nodes[name]
        text = node.script(union(manifests(node=own, plan=plan.slice(own.member))))
        assert ("mysql.user" in text) == asked
        assert "secret:" not in text


def test_a_password_that_a_preview_does_not_know_is_a_change() -> None:
    found = facts.process([LINES[0], LINES[1]])
    host = FakeHost()
    with ctx_host.use(host):
        commands = list(
            operations.accounts._inner(
                account="site",
                database="site",
                clients=["10.71.1.21"],
                password=UNKNOWN,
                seen=Seen(mysql=found),
            )
        )
    assert commands
    assert "(known after apply)" in str(take(host.name, host.current_op_hash))
