"""Does one step to the own server."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

from bootstrap.blocks.read_replica.program.config import Config
from bootstrap.blocks.read_replica.program.decide import Step
from bootstrap.shared import mysql_follow
from bootstrap.shared.mysql_client import LOGIN_S, Connection, SqlError
from bootstrap.shared.replacing import replace

DO_S = 10.0
"""Stopping a receiver waits for a connection that it is making (rpl_stop_replica_timeout: 4)."""
CLOSED = "SET GLOBAL super_read_only = ON;"
NO_READERS, READERS = "SET GLOBAL offline_mode = ON;", "SET GLOBAL offline_mode = OFF;"
"""One that idles in a transaction keeps its tables from being dropped; a start lets them in."""


def apply(config: Config, connection: Connection, step: Step) -> None:
    """Do a step.

    Raises:
        SqlError: it was not done, or not wholly; the next look says what is so.
    """
    if step is not Step.COPY:
        connection.ask(_statements(config, step), timeout_s=DO_S, begin=False)
        return
    # What goes wrong from here on is seen in no set: transactions stay while tables go.
    replace(Path(config.copies), "", durable=True)
    Path(config.rebuild).unlink(missing_ok=True)
    copy = mysql_follow.copy(_place(config), config.account, _password(config))
    try:
        connection.ask(f"{NO_READERS}{copy}", timeout_s=mysql_follow.COPY_S, begin=False)
    except SqlError as error:
        if not mysql_follow.has_copied(str(error)):
            with suppress(SqlError):
                connection.ask(f"{CLOSED}{READERS}", timeout_s=LOGIN_S, begin=True)
            raise
    Path(config.strange).unlink(missing_ok=True)
    Path(config.copies).unlink(missing_ok=True)


def _statements(config: Config, step: Step) -> str:
    if step is Step.CLOSE:
        return CLOSED
    if step is Step.START:
        return "START REPLICA;"
    follow = mysql_follow.follow(_place(config), config.account, _password(config))
    return f"{CLOSED} STOP REPLICA; {follow} START REPLICA;"


def _place(config: Config) -> mysql_follow.Place:
    return mysql_follow.Place(
        address=config.source, port=config.port, certificate=config.certificate
    )


def _password(config: Config) -> str:
    secrets: dict[str, str] = json.loads(Path(config.secret).read_text(encoding="utf-8"))
    return secrets[config.account]
