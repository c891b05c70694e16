"""What a look finds: the own server, and its source."""

from __future__ import annotations

from dataclasses import dataclass

from bootstrap.shared import gtids
from bootstrap.shared.gtids import Gtids
from bootstrap.shared.mysql_client import Connection
from bootstrap.shared.mysql_follow import STATUS, plain, tables

REFUSED = "1045"
"""ER_ACCESS_DENIED_ERROR: the receiver has another password than its source."""
ASK_S = 2.0
"""A server answers in milliseconds; one that hangs must not hold the loop up."""
OURS = "schemas"
"""Heading of how many schemas a server has beside its own."""
SOURCE_QUESTION = (
    "SELECT @@gtid_mode AS `mode`, @@gtid_executed AS `executed`, @@gtid_purged AS `purged`;"
)
OWN_QUESTION = (
    f"SELECT COUNT(*) AS `{OURS}` FROM information_schema.schemata WHERE schema_name NOT IN"
    " ('mysql', 'sys', 'information_schema', 'performance_schema');"
    "SELECT @@gtid_executed AS `executed`, @@super_read_only AS `closed`;"
    "SHOW REPLICA STATUS;"
)


@dataclass(frozen=True, kw_only=True)
class Source:
    """The server that holds the pair's VIP."""

    numbers: bool
    """Whether it numbers its transactions (gtid_mode): it does from its first start with a read
    tier in the description."""
    executed: Gtids
    """What it has."""
    purged: Gtids
    """What of it is in its log no more."""


@dataclass(frozen=True, kw_only=True)
class Own:
    """The replica."""

    blank: bool
    """Whether it was never anything but empty: no transaction, and no schema but a server's own."""
    closed: bool
    """Whether nobody may write to it."""
    executed: Gtids
    """What it has."""
    received: Gtids
    """What its receiver has got since it began, applied or not."""
    follows: str
    """Address that it follows; empty: none."""
    receiver: bool
    """Whether it is connected to its source, or tries to be."""
    applier: bool
    """Whether it applies what it has received."""
    broken: str
    """Why the applier has stopped, in the server's words."""
    error: str
    """Why the receiver is not connected, in the server's words."""
    refused: bool = False
    """Whether its source does not let the receiver in."""


def look_at_source(connection: Connection) -> Source:
    """Ask it.

    Raises:
        SqlError: it does not answer in time.
    """
    rows = connection.ask(SOURCE_QUESTION, timeout_s=ASK_S, begin=True, again=True)
    found = tables(rows, ("mode",))["mode"]
    return Source(
        numbers=found["mode"] == "ON",
        executed=gtids.parse(plain(found["executed"])),
        purged=gtids.parse(plain(found["purged"])),
    )


def look_at_own(connection: Connection) -> Own:
    """Ask it.

    Raises:
        SqlError: it does not answer in time.
    """
    rows = connection.ask(OWN_QUESTION, timeout_s=ASK_S, begin=True, again=True)
    found = tables(rows, (OURS, "executed", STATUS))
    executed = gtids.parse(plain(found["executed"]["executed"]))
    replica = found.get(STATUS, {})
    return Own(
        blank=found[OURS][OURS] == "0" and not executed,
        closed=found["executed"]["closed"] == "1",
        executed=executed,
        received=gtids.parse(plain(replica.get("Retrieved_Gtid_Set", ""))),
        follows=replica.get("Source_Host", ""),
        receiver=replica.get("Replica_IO_Running", "No") != "No",
        applier=replica.get("Replica_SQL_Running", "No") == "Yes",
        broken=replica.get("Last_SQL_Error", ""),
        error=replica.get("Last_IO_Error", ""),
        refused=replica.get("Last_IO_Errno") == REFUSED,
    )
