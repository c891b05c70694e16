"""What an agent says of each state that a reconciler publishes."""

from __future__ import annotations

import json
import socket
import threading
from pathlib import Path
from typing import Any

import pytest

from bootstrap.blocks.rw_split_agent.program.__main__ import Agent
from bootstrap.blocks.rw_split_agent.program.judge import (
    HANDOVER_DRAIN_S,
    HANDOVER_S,
    REPLICA,
    REPLICA_STALE_S,
    SOURCE,
    SOURCE_STALE_S,
    Limits,
    judge,
    unfit,
)
from bootstrap.shared import answers

LIMITS = Limits(max_lag_s=2.0, drain_s=1.0)
OLD_S = 1e9
SOURCE_SAYS: dict[str, Any] = {"role": "source", "writable": True}
REPLICA_SAYS: dict[str, Any] = {
    "role": "replica",
    "writable": False,
    "source": "server1",
    "lag_s": 0.0,
    "applier": "running",
    "current": True,
    "applied": True,
    "copies": False,
}
TAKE_OVER: dict[str, Any] = {"source": None, "lag_s": None, "applier": "stopped"}
"""What a replica says of itself while it hears no source."""


def statuses(
    said: dict[str, Any], *, age_s: float = 0.0, serves: bool = True, unfit_s: float = OLD_S
) -> tuple[int, int]:
    """For writes and for reads."""
    found = judge(LIMITS, said, age_s=age_s, serves=serves, unfit_s=unfit_s)
    return found[SOURCE].status, found[REPLICA].status


def test_a_source_takes_writes_and_hands_its_readers_over() -> None:
    assert statuses(SOURCE_SAYS) == (200, 503)
    assert statuses(SOURCE_SAYS, unfit_s=HANDOVER_S - 0.1) == (200, 200)
    assert statuses(SOURCE_SAYS, unfit_s=HANDOVER_S + 0.1) == (200, 404)
    assert statuses(SOURCE_SAYS, unfit_s=HANDOVER_S + HANDOVER_DRAIN_S) == (200, 503)
    assert statuses(SOURCE_SAYS, age_s=SOURCE_STALE_S) == (200, 503)
    assert statuses(SOURCE_SAYS, age_s=SOURCE_STALE_S + 1) == (503, 503)


@pytest.mark.parametrize(
    ("more", "fit"),
    [
        ({}, True),
        ({"lag_s": 2.0}, True),
        ({"lag_s": 2.1}, False),
        ({"applier": "broken"}, False),
        ({"copies": True}, False),
        ({"role": "quarantined"}, False),
        ({"role": "unknown"}, False),
        # In a take-over nothing newer exists, if it has all and has applied it.
        (TAKE_OVER, True),
        ({**TAKE_OVER, "current": False}, False),
        ({**TAKE_OVER, "applied": False}, False),
        # A source that is seen, and cannot be compared with.
        ({"lag_s": None}, False),
    ],
)
def test_a_replica_is_read_from_while_it_is_known_not_to_be_behind(
    more: dict[str, Any], fit: bool
) -> None:
    said = REPLICA_SAYS | more
    assert (unfit(LIMITS, said, age_s=0.0) == "") is fit
    assert statuses(said, unfit_s=0.0 if fit else OLD_S) == (503, 200 if fit else 503)
    assert statuses(said, serves=False) == (503, 503)


def test_what_nobody_has_looked_at_lately_is_unfit() -> None:
    assert statuses(REPLICA_SAYS, age_s=REPLICA_STALE_S) == (503, 200)
    assert statuses(REPLICA_SAYS, age_s=REPLICA_STALE_S + 1) == (503, 503)
    assert statuses({}) == (503, 503)


def test_readers_of_a_replica_that_lags_have_time_to_end() -> None:
    lags = REPLICA_SAYS | {"lag_s": 9.0}
    assert statuses(lags, unfit_s=0.9) == (503, 404)
    assert statuses(lags, unfit_s=1.0) == (503, 503)
    for gone in ({"copies": True}, {"role": "quarantined"}):
        assert statuses(lags | gone, unfit_s=1.0) == (503, 503)


def agent(folder: Path) -> Agent:
    config = {"max_lag_s": 2.0, "drain_s": 1.0, "address": "127.0.0.1", "port": 0}
    return Agent(
        {**config, "document": str(folder / "gtid.json"), "socket": str(folder / "mysqld.sock")}
    )


def said(one: Agent, request: bytes) -> bytes:
    return answers.answer(request, one.answer)


def test_an_agent_answers_with_what_it_has_found(tmp_path: Path) -> None:
    one = agent(tmp_path)
    assert said(one, b"GET /source HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.0 503 ")
    (tmp_path / "gtid.json").write_text(json.dumps(SOURCE_SAYS), encoding="utf-8")
    one.look()
    assert b"the server does not greet" in said(one, b"GET /source HTTP/1.0\r\n\r\n")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "mysqld.sock"))
        listener.listen()
        listener.settimeout(5)
        one.socket = str(tmp_path / "mysqld.sock")
        greet(one, listener)
    assert said(one, b"GET /source HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.0 200 ")
    for request in (b"GET /other HTTP/1.0", b"", b"\xff\xff"):
        assert said(one, request).startswith(b"HTTP/1.0 503 ")


def greet(one: Agent, listener: socket.socket) -> None:
    """A look at a server that sends its first packet."""
    looking = threading.Thread(target=one.look)
    looking.start()
    client, _ = listener.accept()
    with client:
        client.sendall(b"J")
        looking.join()


def test_a_document_that_does_not_change_gets_old(tmp_path: Path) -> None:
    one = agent(tmp_path)
    document = tmp_path / "gtid.json"
    document.write_text(json.dumps(REPLICA_SAYS), encoding="utf-8")
    one.look()
    first = one.changed
    one.look()
    assert one.changed == first
    document.write_text(json.dumps(REPLICA_SAYS | {"time": 1}), encoding="utf-8")
    one.look()
    assert one.changed > first
    document.unlink()
    one.look()
    assert said(one, b"GET /replica HTTP/1.0").startswith(b"HTTP/1.0 503 ")
