"""Logs in at every virtual service of MySQL, from where no machine is (document 004's test).

Runs in the lab's network namespace: ``python -m drills.workloads.logins`` reads a JSON list of
``{"name", "host", "port", "user", "password", "database", "certificate"}`` from its standard input
and prints a JSON object: name -> ``{"server_id": number}`` or ``{"error": text}``. Each login sends
a statement of 1 MiB and gets an answer of 1 MiB, which fit into no packet of any method.
"""

from __future__ import annotations

import json
import ssl
import sys
from typing import Any

import pymysql

MIB = 1 << 20
TIMEOUT_S = 20
"""One login under emulation takes a second, sixteen at once longer."""


def login(place: dict[str, Any]) -> dict[str, Any]:
    """What one server says, and whether much came through."""
    trusted = ssl.create_default_context(cadata=place["certificate"])
    with (
        pymysql.connect(
            host=place["host"],
            port=place["port"],
            user=place["user"],
            password=place["password"],
            database=place["database"],
            ssl=trusted,
            connect_timeout=TIMEOUT_S,
            read_timeout=TIMEOUT_S,
            write_timeout=TIMEOUT_S,
            max_allowed_packet=4 * MIB,
        ) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute("SELECT @@server_id")
        (server_id,) = cursor.fetchone() or (None,)
        cursor.execute("SELECT LENGTH(%s)", ("x" * MIB,))
        (sent,) = cursor.fetchone() or (0,)
        cursor.execute("SELECT REPEAT('x', %s)", (MIB,))
        (got,) = cursor.fetchone() or ("",)
    if sent != MIB or len(got) != MIB:
        return {"error": f"of 1 MiB {sent} bytes arrived, and {len(got)} came back"}
    return {"server_id": server_id}


def main() -> None:
    """All of them, one after the other."""
    told = {}
    for place in json.load(sys.stdin):
        try:
            told[place["name"]] = login(place)
        except (pymysql.Error, OSError, ssl.SSLError) as error:
            told[place["name"]] = {"error": str(error)}
    print(json.dumps(told))


if __name__ == "__main__":
    main()
