"""Reads a server, in one question over one connection."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from bootstrap.blocks.gtid_pair.program.seen import Applier, Server
from bootstrap.shared import gtids
from bootstrap.shared.mysql_client import Connection
from bootstrap.shared.mysql_follow import STATUS, plain, tables

ASK_S = 2.0
"""A server answers in milliseconds; one that is frozen must not hold the loop up."""
SILENT_S = 1.0
"""The same of a peer that gave none last time: a look must not take longer because nobody is there.
A client that still logs in is left to it."""
BRIEF_S = 0.5
"""For a peer that was silent a moment ago, between two steps of one transition."""
COLUMNS = {
    "uuid": "@@server_uuid",
    "life": "@@pid_file",
    # Ours for the accounts of applications; a copy needs the stricter one off while it is made.
    "read_only": "@@read_only",
    "executed": "@@gtid_executed",
    "purged": "@@gtid_purged",
    "waits": "@@rpl_semi_sync_source_enabled",
    "acks": "@@rpl_semi_sync_replica_enabled",
}
QUESTION = (
    f"SELECT {', '.join(f'{what} AS `{name}`' for name, what in COLUMNS.items())};"
    "SHOW GLOBAL STATUS LIKE 'Rpl_semi_sync_source_clients';"
    "SHOW REPLICA STATUS;"
)


def look(connection: Connection, *, other: str, timeout_s: float = ASK_S) -> Server:
    """What a server says now.

    Args:
        connection: to it. other: address that its receiver would come to.
        timeout_s: for the answer.

    Raises:
        SqlError: it does not answer in time.
    """
    rows = connection.ask(QUESTION, timeout_s=timeout_s, begin=True, again=True)
    return understand(rows, other=other)


def understand(rows: list[list[str]], *, other: str) -> Server:
    """The server that gave this answer."""
    found = tables(rows, ("uuid", "Variable_name", STATUS))
    own, replica = found.get("uuid", {}), found.get(STATUS, {})
    mine = replica.get("Source_Host") == other
    receiver = replica.get("Replica_IO_Running", "No") if mine else "No"
    return Server(
        uuid=own["uuid"],
        life=_life(own["life"]),
        read_only=own["read_only"] == "1",
        executed=gtids.parse(plain(own["executed"])),
        purged=gtids.parse(plain(own["purged"])),
        received=gtids.parse(plain(replica.get("Retrieved_Gtid_Set", ""))),
        waits=own["waits"] == "1",
        acks=own["acks"] == "1",
        clients=int(found.get("Variable_name", {}).get("Value", "0")),
        follows=receiver != "No",
        connected=receiver == "Yes",
        applier=_applier(replica) if mine else Applier.STOPPED,
        error=replica.get("Last_SQL_Error", "") or replica.get("Last_IO_Error", ""),
    )


def _applier(replica: Mapping[str, str]) -> Applier:
    if replica.get("Replica_SQL_Running") == "Yes":
        return Applier.RUNNING
    broken = replica.get("Last_SQL_Errno", "0") != "0"
    return Applier.BROKEN if broken else Applier.STOPPED


def _life(pid_file: str) -> str:
    """Process and start time of a server on this machine; empty for one elsewhere."""
    try:
        pid = Path(pid_file).read_text(encoding="ascii").strip()
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return ""
    # proc_pid_stat(5): field 22; the second one may hold spaces and ends with a bracket.
    return f"{pid}/{stat.rpartition(')')[2].split()[19]}"
