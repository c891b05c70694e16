"""Logs in at one virtual service again and again, each time on a connection of its own.

Runs in the lab's network namespace: ``python -m drills.workloads.login_reads`` reads a place
(``drills.ports``) as JSON from its standard input and prints what ``drills.workloads.recorder``
reads. Logins do not wait for one another: one that hangs must not hide the first that is answered
again.
"""

from __future__ import annotations

import json
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from drills.workloads.mysql_client import ERRORS, connect, row
from drills.workloads.page_reads import say

EVERY_S = 0.5
"""Its TLS costs an emulated machine a tenth of a second."""
TIMEOUT_S = 4
"""A login that takes longer has failed."""
AT_ONCE = 16
"""More than can be under way: each ends after its time limits, one to connect and one to read."""


def ask(number: int, place: dict[str, Any]) -> None:
    """One login and what became of it."""
    say(number, "invoked")
    try:
        with connect(place, timeout_s=TIMEOUT_S) as connection:
            (server_id,) = row(connection, "SELECT @@server_id")
    except ERRORS as error:
        say(number, "failed", error=str(error))
    else:
        say(number, "ok", server=str(server_id))


def main() -> None:
    """Log in at a fixed rate until SIGTERM."""
    place = json.load(sys.stdin)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    number = 0
    with ThreadPoolExecutor(AT_ONCE) as pool:
        while not stop.is_set():
            number += 1
            pool.submit(ask, number, place)
            stop.wait(EVERY_S)


if __name__ == "__main__":
    main()
