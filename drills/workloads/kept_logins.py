"""Keeps a session open at every virtual service of MySQL, and says now and then what it still is.

Runs in the lab's network namespace: ``python -m drills.workloads.kept_logins`` reads a JSON list
of places (``drills.ports``) as the first line of its standard input, and answers each further line
with a JSON object: name -> ``{"session": number, "server_id": number}`` or ``{"error": text}``. A
session is opened once: what has ended stays an error.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from drills.workloads.mysql_client import ERRORS, Connection, connect, row


def asked(connection: Connection | str) -> dict[str, Any]:
    """What a session says of itself."""
    if isinstance(connection, str):
        return {"error": connection}
    try:
        session, server_id = row(connection, "SELECT CONNECTION_ID(), @@server_id")
    except ERRORS as error:
        return {"error": str(error)}
    return {"session": session, "server_id": server_id}


def opened(place: dict[str, Any]) -> Connection | str:
    """A session, or why there is none."""
    try:
        return connect(place)
    except ERRORS as error:
        return str(error)


def main() -> None:
    """Until its standard input ends."""
    places = json.loads(sys.stdin.readline())
    sessions = {place["name"]: opened(place) for place in places}
    for _ in sys.stdin:
        print(json.dumps({name: asked(one) for name, one in sessions.items()}), flush=True)


if __name__ == "__main__":
    main()
