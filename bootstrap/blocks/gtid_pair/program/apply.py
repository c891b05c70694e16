"""Does one step to the own server, over the connection over which it was looked at."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from bootstrap.blocks.gtid_pair.program.config import Config
from bootstrap.blocks.gtid_pair.program.seen import Observation
from bootstrap.blocks.gtid_pair.program.step import Step
from bootstrap.shared import mysql_follow
from bootstrap.shared.mysql_client import LOGIN_S, Connection, SqlError

DO_S = 5.0
"""Stopping a receiver waits for a connection that it is making (rpl_stop_replica_timeout: 4), a
demotion for what has begun. What is late is seen by the next look, and done again."""
KILL_S = 10.0
"""systemctl on a busy machine."""
DEMOTE_WAIT_S = 3
"""For transactions that are just ending; longer ones are tried again at the next look."""
APPLIES = "SET GLOBAL rpl_semi_sync_source_enabled = OFF;"
"""On a read-only server: what its applier commits would wait for an acknowledgement too, and
nothing would ever be applied (seen with 9.7.4). Opening it switches that on first."""
CLOSED = "SET GLOBAL super_read_only = ON;"
SIMPLE = {
    Step.STOP_RECEIVER: "STOP REPLICA IO_THREAD;",
    Step.APPLY: f"{APPLIES}START REPLICA SQL_THREAD;",
    Step.ARM: "SET GLOBAL rpl_semi_sync_replica_enabled = ON;",
    Step.OPEN: (
        "SET GLOBAL rpl_semi_sync_source_enabled = ON;"
        "SET GLOBAL super_read_only = OFF; SET GLOBAL read_only = OFF;"
    ),
    # A server that was started again meanwhile is read-only, and must not begin alone.
    Step.GO_ALONE: (
        "SET @do = IF(@@read_only, 'DO 0',"
        " 'SET GLOBAL rpl_semi_sync_source_enabled = OFF');"
        "PREPARE step FROM @do; EXECUTE step; DEALLOCATE PREPARE step;"
    ),
    Step.WAIT: "SET GLOBAL rpl_semi_sync_source_enabled = ON;",
    Step.DEMOTE: (
        f"SET SESSION lock_wait_timeout = {DEMOTE_WAIT_S}; SET GLOBAL super_read_only = ON;"
    ),
}


def apply(config: Config, connection: Connection, step: Step, seen: Observation) -> None:
    """Do a step.

    Raises:
        SqlError: it was not done, or not wholly; the next look says what is so.
    """
    if step is Step.KILL:
        subprocess.run(config.kill, check=False, timeout=KILL_S)
        connection.close()
        return
    limit = mysql_follow.COPY_S if step is Step.CLONE else DO_S
    try:
        connection.ask(_statements(config, step, seen), timeout_s=limit, begin=False)
    except SqlError as error:
        if step is not Step.CLONE:
            raise
        if not mysql_follow.has_copied(str(error)):
            connection.ask(CLOSED, timeout_s=LOGIN_S, begin=True)
            raise


def _statements(config: Config, step: Step, seen: Observation) -> str:
    if step in SIMPLE:
        return SIMPLE[step]
    own = seen.own
    assert own is not None
    if step is Step.WAIVE:
        # A receiver that runs goes on acknowledging until it is started again.
        again = "START REPLICA IO_THREAD;" if own.follows else ""
        return f"STOP REPLICA IO_THREAD; SET GLOBAL rpl_semi_sync_replica_enabled = OFF;{again}"
    if step is Step.CLONE:
        return _clone(config)
    assert step in (Step.FOLLOW, Step.JOIN)
    join = "SET GLOBAL rpl_semi_sync_replica_enabled = ON;" if step is Step.JOIN else ""
    stop = "STOP REPLICA IO_THREAD;"
    if own.received <= own.executed:
        # It drops what was received and is not applied: only where there is nothing.
        stop = f"STOP REPLICA; {_change(config)}"
    return f"{CLOSED} {stop} {join} {APPLIES} START REPLICA;"


def _place(config: Config) -> mysql_follow.Place:
    return mysql_follow.Place(
        address=config.addresses[config.peer], port=config.port, certificate=config.certificate
    )


def _password(config: Config, account: str) -> str:
    secrets: dict[str, str] = json.loads(Path(config.secrets).read_text(encoding="utf-8"))
    return secrets[account]


def _change(config: Config) -> str:
    password = _password(config, config.replication)
    return mysql_follow.follow(_place(config), config.replication, password)


def _clone(config: Config) -> str:
    return mysql_follow.copy(_place(config), config.clone, _password(config, config.clone))
