"""Pages of a virtual service as a client in its network gets them, each on a connection of its own.

Runs in the lab's network namespace and prints what ``drills.workloads.recorder`` reads:
``python -m drills.workloads.page_reads URL``. Requests do not wait for one another: one that hangs
must not hide the first that is answered again.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from contextlib import suppress

from drills.http_probe import TIMEOUT_S, fetch

EVERY_S = 0.2
"""Five a second, as writes."""
GOOD = 200


def say(number: int, event: str, **more: str) -> None:
    """One line, at once and whole, whichever thread says it."""
    sys.stdout.write(json.dumps({"id": number, "event": event, **more}) + "\n")
    sys.stdout.flush()


async def ask(number: int, url: str) -> None:
    """One request and what became of it."""
    say(number, "invoked")
    try:
        status, node = await asyncio.wait_for(fetch(url, source=None), TIMEOUT_S)
    except (OSError, TimeoutError, ValueError, IndexError) as error:
        say(number, "failed", error=type(error).__name__)
        return
    if status == GOOD:
        say(number, "ok", server=node)
    else:
        say(number, "failed", server=node, error=str(status))


async def run(url: str) -> None:
    """Ask at a fixed rate until SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    running: set[asyncio.Task[None]] = set()
    number = 0
    while not stop.is_set():
        number += 1
        task = asyncio.create_task(ask(number, url))
        running.add(task)
        task.add_done_callback(running.discard)
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), EVERY_S)


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1]))
