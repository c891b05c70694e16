"""The web tier's programs in the golden image's root tree: sessions outlive either memcached."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bootstrap.deploy import render_all
from lab.image import run_in_root
from tests.golden.checkers.in_root import baked
from tests.golden.tree import plans

pytestmark = pytest.mark.image

PROGRAM = Path(__file__).parent / "web_in_root.py"
SERVERS = ("10.71.1.21:11211", "10.71.1.22:11211")


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    web1 = render_all(plans()["alone-lb-single"])["web1"]
    files = {path: file.content for path, file in web1.items()}
    files["/run-web-tier.py"] = PROGRAM.read_text(encoding="utf-8")
    argv = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]
    done = run_in_root(baked(), [*argv, "python3", "/run-web-tier.py"], files=files)
    assert "#found " in done.stdout, done.stdout + done.stderr
    result: dict[str, Any] = json.loads(done.stdout.partition("#found ")[2])
    return result


def test_every_session_has_a_copy_on_each_server(found: dict[str, Any]) -> None:
    assert found["distinct"] == 200
    assert found["copies"] == [200, 200]
    assert found["answers"] == dict.fromkeys(SERVERS, True)


def test_all_sessions_count_on_while_the_peer_has_no_power(found: dict[str, Any]) -> None:
    assert found["peer without power: counted"]
    assert found["peer without power: longest"] < 1.2
    # One request in five seconds pays; were it each process, there would be more.
    assert found["peer without power: slow"] <= 3
    assert found["peer without power: health"] == dict(zip(SERVERS, (True, False), strict=True))


def test_an_empty_server_gets_every_copy_by_reading(found: dict[str, Any]) -> None:
    assert found["peer back and empty: read"]
    assert found["peer back: copies"] >= 200


def test_all_sessions_count_on_while_the_own_server_is_away(found: dict[str, Any]) -> None:
    assert found["own without power: counted"]
    assert found["own without power: longest"] < 1.2


def test_a_server_that_slept_does_not_turn_counters_back(found: dict[str, Any]) -> None:
    assert found["own back with old copies: read"]
    assert found["own back with old copies: counted"]


def test_no_session_server_is_an_error_and_no_empty_session(found: dict[str, Any]) -> None:
    assert found["none left"] == [503, True]


def test_sessions_are_not_made_by_looking(found: dict[str, Any]) -> None:
    assert found["no session"] == 0
    assert found["unknown session"] == [200, 0, None]
    assert found["no key of ours"] == 200


def test_the_address_of_a_client_is_believed_from_balancers_only(found: dict[str, Any]) -> None:
    assert found["from a balancer"] == "198.18.1.1"
    assert found["from a client"] == "10.71.1.99"


def test_rows_are_kept_in_a_file_and_shown(found: dict[str, Any]) -> None:
    row = {"id": 1, "text": "one <b>", "node": "web1", "kept_in": "file"}
    assert found["row"] == [201, row]
    assert found["rows"] == [row]
    assert found["row without text"] == 400
    assert found["page"] == [True, True, True]


def test_uploads_of_eight_mebibytes_pass_and_larger_ones_do_not(found: dict[str, Any]) -> None:
    assert found["uploads"] == [201, 413, 413, 413]


def test_other_paths_are_refused_and_no_code_is_shown(found: dict[str, Any]) -> None:
    assert found["elsewhere"] == [404, 405]
    assert found["source text"] == 404
    assert found["probe"] == 1024
