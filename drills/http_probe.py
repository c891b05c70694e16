"""One HTTP client that asks at a fixed rate, each request on a connection of its own.

Requests do not wait for one another: a request that hangs must not hide the first one that is
answered again. Runs inside the lab's network namespace and prints JSON lines until terminated:
``python -m drills.http_probe [--rate HZ] [--source ADDRESS] URL`` ->
``{"at", "seconds", "status", "node", "error"}``.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import time
from urllib.parse import urlsplit

TIMEOUT_S = 2.0
"""A request without an answer for this long has failed."""


async def fetch(url: str, *, source: str | None) -> tuple[int, str]:
    """Status and X-Node header of one GET on a new connection."""
    parts = urlsplit(url)
    local = (source, 0) if source else None
    reader, writer = await asyncio.open_connection(
        parts.hostname, parts.port or 80, local_addr=local
    )
    try:
        head = f"GET {parts.path or '/'} HTTP/1.1\r\nHost: {parts.hostname}\r\n"
        writer.write(f"{head}Connection: close\r\n\r\n".encode())
        answer = (await reader.read()).decode("latin-1")
    finally:
        writer.close()
    lines = answer.split("\r\n\r\n", 1)[0].split("\r\n")
    status = int(lines[0].split()[1])
    headers = dict(line.lower().split(": ", 1) for line in lines[1:] if ": " in line)
    return status, headers.get("x-node", "")


async def probe(url: str, *, source: str | None) -> None:
    """One request, reported as one line; ``at`` is when it was sent."""
    at, start = time.time(), time.monotonic()
    status, node, error = 0, "", ""
    try:
        status, node = await asyncio.wait_for(fetch(url, source=source), TIMEOUT_S)
    except (OSError, TimeoutError, ValueError, IndexError) as failure:
        error = type(failure).__name__
    sample = {"at": round(at, 3), "seconds": round(time.monotonic() - start, 3)}
    print(json.dumps({**sample, "status": status, "node": node, "error": error}), flush=True)


async def run(url: str, *, rate_hz: float, source: str | None) -> None:
    """Ask at a fixed rate until SIGTERM, then wait for what is still open."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    running: set[asyncio.Task[None]] = set()
    while not stop.is_set():
        task = asyncio.create_task(probe(url, source=source))
        running.add(task)
        task.add_done_callback(running.discard)
        try:
            await asyncio.wait_for(stop.wait(), 1 / rate_hz)
        except TimeoutError:
            continue
    await asyncio.gather(*running)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--rate", type=float, default=10.0, help="requests per second")
    parser.add_argument("--source", default=None, help="client address to bind")
    arguments = parser.parse_args()
    asyncio.run(run(arguments.url, rate_hz=arguments.rate, source=arguments.source))


if __name__ == "__main__":
    main()
