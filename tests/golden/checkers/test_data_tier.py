"""MySQL and its application in the golden image's root tree, by the programs that machines run."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pulumi.runtime.proto import provider_pb2
from pyinfra.context import ctx_host

from bootstrap.deploy import checks, render_all
from bootstrap.facts import mysql as facts
from bootstrap.facts.node import Seen
from bootstrap.managed import with_values
from bootstrap.operations import mysql as operations
from lab.image import run_in_root
from provider.certificate import Certificate
from provider.values import decode_struct, encode_struct
from tests.golden.checkers.in_root import baked
from tests.golden.tree import plans
from tests.operations.fake import FakeHost

pytestmark = pytest.mark.image

FOLDER = Path(__file__).parent
PROGRAMS = ("web_in_root.py", "data_in_root.py")
PASSWORD, NEW = "OldSecretOfTheSite0123456789abcd", "NewSecretOfTheSite0123456789abcd"
WEB1, WEB2, WEB3 = "10.71.1.21", "10.71.1.22", "10.71.1.23"
CLIENTS = (WEB1, WEB2)


def _accounts(
    clients: tuple[str, ...], password: str, found: facts.SeenMysql | None
) -> list[tuple[str, str]]:
    """Commands of the operation, each with what it gets on standard input."""
    with ctx_host.use(FakeHost()):
        commands = list(
            operations.accounts._inner(
                account="site",
                database="site",
                clients=clients,
                password=password,
                seen=replace(Seen(), mysql=found),
            )
        )
    return [
        (str(command.get_raw_value()), command.connector_arguments["_stdin"])
        for command in commands
    ]


def _server(clients: tuple[str, ...], password: str, **values: Any) -> facts.SeenMysql:
    rights = frozenset(f"{right} ON site.*" for right in operations.RIGHTS)
    account = facts.SeenAccount(
        tls=True, verifier=facts.verifier(password, salt=b"s" * 20, rounds=5000), rights=rights
    )
    return facts.SeenMysql(
        accounts={"site": {client: replace(account, **values) for client in clients}}
    )


def _certificate(*names: str) -> tuple[str, str]:
    properties = encode_struct({"names": names or ["db.six.lab", "10.71.1.211"]})
    request = provider_pb2.CreateRequest(urn="urn::name", properties=properties)
    made = decode_struct(asyncio.run(Certificate().create(request)).properties)
    return made["certificate"], made["private_key"]


def _files(secrets: dict[str, str]) -> dict[str, Any]:
    """What data1 and web1 have between them, without what would start there."""
    rendered = render_all(plans()["six"])
    wanted = {**rendered["data1"], **rendered["web1"]}
    mine = ("/etc/mysql/", "/etc/pairwise/mysql", "/etc/pairwise/app", "/var/www/", "/etc/nginx/")
    kept = {p: f for p, f in wanted.items() if p.startswith((*mine, "/etc/php/"))}
    hook = "/usr/local/lib/pairwise/first-data.d/mysql"
    return {p: with_values(f, secrets) for p, f in {**kept, hook: wanted[hook]}.items()}


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    certificate, key = _certificate()
    secrets = {
        "data-site": PASSWORD,
        "data-certificate": certificate,
        "data-certificate-key": key,
    }
    files = _files(secrets)
    plan = plans()["six"]
    tried = checks(node=plan.nodes["data1"], plan=plan.slice("data"))
    reader = facts.SeenAccount(tls=True, verifier=facts.verifier(NEW, salt=b"s" * 20, rounds=5000))
    everything = frozenset({"SELECT ON *.*"})
    given = {
        "files": [[p, f.owner, f.group, f.mode] for p, f in files.items()],
        "fact": facts.script(("site",)),
        "ask": facts.CLIENT,
        "password": PASSWORD,
        "new_password": NEW,
        "other_certificate": _certificate()[0],
        "other_name": _certificate("db.six.lab", "10.71.1.212"),
        "change": _accounts((WEB1, WEB3), NEW, _server(CLIENTS, PASSWORD))[0],
        # By hand: WEB3 loses its rights and its TLS, WEB1 may read everything.
        "repair": [
            (
                facts.CLIENT,
                f"REVOKE ALL ON site.* FROM site@'{WEB3}'; ALTER USER site@'{WEB3}' REQUIRE NONE"
                f" ACCOUNT LOCK; GRANT SELECT ON *.* TO site@'{WEB1}' WITH GRANT OPTION;",
            ),
            *_accounts(
                (WEB1, WEB3),
                NEW,
                facts.SeenMysql(
                    accounts={
                        "site": {
                            WEB1: replace(reader, rights=everything),
                            WEB3: replace(reader, tls=False, locked=True),
                        }
                    }
                ),
            ),
        ],
        # systemd is not there to be asked whether it runs.
        "checks": [
            one.command.partition(" || ")[2]
            for one in tried
            if one.name.startswith("mysql: ") and " || " in one.command
        ],
    }
    texts = {path: file.content for path, file in files.items()}
    texts["/data-tier.json"] = json.dumps(given)
    for name in PROGRAMS:
        texts[f"/tests/golden/checkers/{name}"] = (FOLDER / name).read_text(encoding="utf-8")
    argv = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c"]
    done = run_in_root(
        baked(), [*argv, "cd / && exec python3 -m tests.golden.checkers.data_in_root"], files=texts
    )
    assert "#found " in done.stdout, done.stdout + done.stderr
    result: dict[str, Any] = json.loads(done.stdout.partition("#found ")[2])
    return result


def test_first_data_are_made_once_and_tell_no_secret(found: dict[str, Any]) -> None:
    assert found["first data"] == [0, "", ["data"]]
    assert found["first data: left in /run"] == []
    code, text = found["first data again"]
    assert (code, "is there already" in text) == (1, True)
    code, text = found["first data, broken"]
    assert (code, "ERROR" in text, PASSWORD in text) == (1, True, False)


def test_accounts_of_first_data_are_what_the_operation_wants(found: dict[str, Any]) -> None:
    server = facts.process(found["facts at first"].splitlines())
    assert server is not None
    found_accounts = server.accounts["site"]
    assert sorted(found_accounts) == list(CLIENTS)
    assert all(one.lets_in(PASSWORD) and not one.lets_in(NEW) for one in found_accounts.values())
    assert _accounts(CLIENTS, PASSWORD, server) == []


def test_accounts_follow_clients_and_password(found: dict[str, Any]) -> None:
    assert found["change"] == [0, ""]
    server = facts.process(found["facts after change"].splitlines())
    assert _accounts((WEB1, WEB3), NEW, server) == []
    assert found["row with the old password"] == 503


def test_what_was_changed_by_hand_is_mended(found: dict[str, Any]) -> None:
    assert found["repair"] == [[0, ""], [0, ""]]
    server = facts.process(found["facts after repair"].splitlines())
    assert _accounts((WEB1, WEB3), NEW, server) == []


def test_nobody_comes_in_without_tls_or_password(found: dict[str, Any]) -> None:
    assert found["by TLS"] == 0
    assert found["without TLS"] != 0
    assert found["without password"] != 0


def test_checks_of_verify_pass(found: dict[str, Any]) -> None:
    assert len(found["checks"]) == 3
    assert set(found["checks"].values()) == {0}, found["checks"]


def test_rows_are_in_the_database(found: dict[str, Any]) -> None:
    row = {"id": 1, "text": "one <b>", "node": "web1", "kept_in": "database"}
    assert found["row"] == [201, row]
    assert found["rows"] == [200, [row]]
    page = found["page"]
    assert "one &lt;b&gt;" in page
    assert "in MySQL at 10.71.1.211, uploads on the share at /srv/files/uploads." in page


def test_an_upload_is_on_the_share_under_its_hash_with_a_row(found: dict[str, Any]) -> None:
    assert found["upload"] == [201, 413]
    size, node, sha256 = found["tables"]
    assert (size, node) == (str(8 * 2**20), "web1")
    assert found["kept"] == [[sha256, 8 * 2**20]]
    assert found["left behind"] == []


def test_a_server_with_another_certificate_gets_no_password(found: dict[str, Any]) -> None:
    status, told, retry = found["another certificate"]
    assert (status, retry) == (503, "5")
    assert "lets nobody in" in told["error"]


def test_the_certificate_must_name_the_vip(found: dict[str, Any]) -> None:
    assert found["another name"] == ["", 503, "lets nobody in"]


def test_a_silent_database_costs_one_request_and_no_page(found: dict[str, Any]) -> None:
    status, seconds = found["silent: first"]
    assert (status, seconds < 8) == (503, True)
    retry, seconds = found["silent: second"]
    assert (retry, seconds < 1) == ("5", True)
    assert found["silent: read"][0] == 503
    assert found["silent: page"] == [200, True]
    assert found["silent: upload"] == 503


def test_acknowledged_rows_outlive_a_kill(found: dict[str, Any]) -> None:
    assert found["killed"] == 503
    assert found["killed: rows"] == ["one <b>", False, False]


def test_a_share_that_is_away_stops_uploads_and_nothing_else(found: dict[str, Any]) -> None:
    assert found["share refuses"] == 503
    statuses, longest = found["share away: pages"]
    assert (statuses, longest < 3) == ([200], True)
    assert found["share away: uploads"] == [503]
    assert found["share away: longest"] < 10
    assert found["share back"] == 201
