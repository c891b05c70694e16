"""Logs in at every virtual service of MySQL, from where no machine is (document 004's test).

Runs in the lab's network namespace: ``python -m drills.workloads.logins`` reads a JSON list of
places (``drills.ports``) from its standard input and prints a JSON object: name ->
``{"server_id": number}`` or ``{"error": text}``. Each login sends a statement of 1 MiB and gets an
answer of 1 MiB, which fit into no packet of any method.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from drills.workloads.mysql_client import ERRORS, MIB, connect, row


def login(place: dict[str, Any]) -> dict[str, Any]:
    """What one server says, and whether much came through."""
    with connect(place) as connection:
        (server_id,) = row(connection, "SELECT @@server_id")
        (sent,) = row(connection, "SELECT LENGTH(%s)", "x" * MIB)
        (got,) = row(connection, "SELECT REPEAT('x', %s)", MIB)
    if sent != MIB or len(got) != MIB:
        return {"error": f"of 1 MiB {sent} bytes arrived, and {len(got)} came back"}
    return {"server_id": server_id}


def main() -> None:
    """All of them, one after the other."""
    told = {}
    for place in json.load(sys.stdin):
        try:
            told[place["name"]] = login(place)
        except ERRORS as error:
            told[place["name"]] = {"error": str(error)}
    print(json.dumps(told))


if __name__ == "__main__":
    main()
