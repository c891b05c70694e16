"""What a splitter does with each of its servers, as JSON: for ``pairwise status``.

Prints a list of ``{"node", "role", "state"}``: one entry for each server in each role that it has
there. A server that is down in a role is not in the list, as a replica is for writes. Source:
HAProxy's management guide, "show stat" (columns by their names). Standard library only.
"""

from __future__ import annotations

import csv
import json
import socket

SOCKET = "/run/haproxy/pairwise.sock"
"""Where HAProxy answers: read-only, root's alone."""
ROLES = ("source", "replica")
"""What the servers of a backend section are for: its name."""
STATES = {"UP": "up", "NOLB": "drains", "DRAIN": "drains"}
"""First word of a status -> ours. ``NOLB``: it has answered 404."""
STANDS_IN = ":source"
"""End of a server's name where it is read from as the source, for want of a replica."""
ASK_S = 5.0
SERVERS = "show stat -1 4 -1"
"""All sections, servers only."""


def ask(path: str) -> str:
    """HAProxy's answer; it closes the connection after it."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(ASK_S)
        client.connect(path)
        client.sendall(f"{SERVERS}\n".encode())
        return b"".join(iter(lambda: client.recv(65536), b"")).decode()


def understand(answer: str) -> list[dict[str, str]]:
    """The servers in use, sources first."""
    rows = csv.DictReader(answer.removeprefix("# ").strip().splitlines())
    found = [
        {
            "node": row["svname"],
            "role": row["pxname"],
            "state": STATES[row["status"].split()[0]],
        }
        for row in rows
        if row["pxname"] in ROLES
        and row["status"].split()[0] in STATES
        and not row["svname"].endswith(STANDS_IN)
    ]
    return sorted(found, key=lambda row: (row["role"] != "source", row["node"]))


if __name__ == "__main__":
    print(json.dumps(understand(ask(SOCKET))))
