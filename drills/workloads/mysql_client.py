"""A client of MySQL servers behind directors: one login, with the server's certificate verified."""

from __future__ import annotations

import ssl
from typing import Any, TypeAlias

import pymysql

TIMEOUT_S = 20
"""One login under emulation takes a second, sixteen at once longer."""
MIB = 1 << 20
Connection: TypeAlias = "pymysql.Connection[pymysql.cursors.Cursor]"
ERRORS = (pymysql.Error, OSError, ssl.SSLError)
"""What becomes of a connection that does not come about, or ends."""


def connect(place: dict[str, Any], *, timeout_s: float = TIMEOUT_S) -> Connection:
    """Log in at a place of ``drills.ports``."""
    return pymysql.connect(
        host=place["host"],
        port=place["port"],
        user=place["user"],
        password=place["password"],
        database=place["database"],
        ssl=ssl.create_default_context(cadata=place["certificate"]),
        connect_timeout=timeout_s,
        read_timeout=timeout_s,
        write_timeout=timeout_s,
        max_allowed_packet=4 * MIB,
    )


def row(connection: Connection, statement: str, *values: Any) -> Any:
    """The first row of an answer."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchone()
