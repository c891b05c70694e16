"""How a server begins as a copy of another one and follows it, by GTID and TLS, and what it says.

Source: the reference manual of MySQL 9.7, CHANGE REPLICATION SOURCE TO and CLONE.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

COPIED = (3707, 2013, 2006)
"""The server ends once it has the copy, so as to start from it: ER_RESTART_SERVER_FAILED where it
knows of nobody who starts it again, else the connection is lost."""
COPY_S = 86400.0
"""A copy of a large database takes its time; a server goes on with it without its client."""
STATUS = "Replica_IO_State"
"""First column of SHOW REPLICA STATUS."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a server is, and how one comes to it."""

    address: str
    """That its certificate names."""
    port: int
    """Of the server."""
    certificate: str
    """File with the only certificate that is believed."""


def follow(place: Place, account: str, password: str) -> str:
    """Statement: follow the server at a place from where one is, and never give it up."""
    values = {
        "SOURCE_HOST": quoted(place.address),
        "SOURCE_PORT": str(place.port),
        "SOURCE_USER": quoted(account),
        "SOURCE_PASSWORD": quoted(password),
        "SOURCE_AUTO_POSITION": "1",
        "SOURCE_SSL": "1",
        "SOURCE_SSL_CA": quoted(place.certificate),
        "SOURCE_SSL_VERIFY_SERVER_CERT": "1",
        "SOURCE_CONNECT_RETRY": "1",
        "SOURCE_RETRY_COUNT": "0",
        "SOURCE_HEARTBEAT_PERIOD": "1",
    }
    return f"CHANGE REPLICATION SOURCE TO {', '.join(f'{k} = {v}' for k, v in values.items())};"


def copy(place: Place, account: str, password: str) -> str:
    """Statements: all of the server at a place in the stead of what one has."""
    # Refused under super_read_only; applications are kept out by read_only, which stays.
    return (
        "STOP REPLICA; SET GLOBAL super_read_only = OFF;"
        f"SET GLOBAL clone_valid_donor_list = '{place.address}:{place.port}';"
        f"CLONE INSTANCE FROM {quoted(account)}@{quoted(place.address)}:{place.port}"
        f" IDENTIFIED BY {quoted(password)} REQUIRE SSL;"
    )


def has_copied(words: str) -> bool:
    """Whether a server that went away over a copy has said why: it has it."""
    return any(f"ERROR {code} " in words for code in COPIED)


def quoted(text: str) -> str:
    """A string of SQL, whatever is in it."""
    inner = text.replace("\\", "\\\\").replace("'", "''")
    return f"'{inner}'"


def tables(rows: list[list[str]], headings: Iterable[str]) -> dict[str, dict[str, str]]:
    """First column's name -> the one row below that heading."""
    found: dict[str, dict[str, str]] = {}
    wanted = set(headings)
    for heading, row in pairwise(rows):
        if heading[0] in wanted:
            found[heading[0]] = dict(zip(heading, row, strict=False))
    return found


def plain(text: str) -> str:
    """Sets have line ends in them, which the client writes as two characters."""
    return text.replace("\\n", "")
