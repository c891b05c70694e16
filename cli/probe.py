"""Asks each VIP as clients would; runs inside the lab's namespace: ``python -m cli.probe``.

Reads ``{"vips": {address: port}, "wanted": [names], "clients": [addresses]}`` on standard input
and writes, by address, ``{"served": [names], "errors": [texts]}``. A balancer chooses the web
machine by the client's network, so several clients ask, until every wanted machine has answered;
an empty client is whatever address the system chooses.
Standard library only.
"""

from __future__ import annotations

import http.client
import json
import sys
from typing import Any

TIMEOUT_S = 5
"""For one request; a served page takes milliseconds."""
MAX_ERRORS = 2
"""A VIP that fails so often in a row is not asked further."""
NODE_HEADER = "X-Node"
"""Header in which a web machine says its name."""


def ask(address: str, port: int, client: str) -> tuple[int, str]:
    """Status and name of the web machine of one request."""
    source = (client, 0) if client else None
    connection = http.client.HTTPConnection(address, port, timeout=TIMEOUT_S, source_address=source)
    try:
        connection.request("GET", "/", headers={"Connection": "close"})
        answer = connection.getresponse()
        return answer.status, answer.getheader(NODE_HEADER) or ""
    finally:
        connection.close()


def probe(address: str, port: int, *, wanted: set[str], clients: list[str]) -> dict[str, Any]:
    """Ask one VIP until all wanted machines have answered or there are no more clients."""
    served: set[str] = set()
    errors: list[str] = []
    for client in clients:
        try:
            status, node = ask(address, port, client)
        except (OSError, http.client.HTTPException) as error:
            errors.append(str(error) or type(error).__name__)
        else:
            if status == http.client.OK:
                served.add(node)
            else:
                errors.append(f"HTTP status {status}")
        if len(errors) >= MAX_ERRORS or (wanted and wanted <= served):
            break
    return {"served": sorted(served), "errors": errors}


def main() -> None:
    """Read the request, ask, write the answer."""
    request = json.load(sys.stdin)
    found = {
        address: probe(
            address, port, wanted=set(request["wanted"]), clients=list(request["clients"])
        )
        for address, port in request["vips"].items()
    }
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
