"""Gets one page again and again, each time on a new connection, by some clients at once.

Runs in the lab's network namespace: ``python -m benchmarks.http_load URL CLIENTS SECONDS`` prints a
JSON object: ``{"rate": answers each second, "median_ms": of one, "failed": count}``.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import time

from drills.http_probe import TIMEOUT_S, fetch

GOOD = 200


async def client(url: str, until: float, times: list[float], failures: list[str]) -> None:
    """One client, which asks as soon as it has its answer."""
    while (begun := time.monotonic()) < until:
        try:
            status, _ = await asyncio.wait_for(fetch(url, source=None), TIMEOUT_S)
        except (OSError, TimeoutError, ValueError, IndexError) as error:
            failures.append(type(error).__name__)
            continue
        if status == GOOD:
            times.append(time.monotonic() - begun)
        else:
            failures.append(str(status))


async def load(url: str, clients: int, seconds: float) -> dict[str, float]:
    """What all of them got."""
    times: list[float] = []
    failures: list[str] = []
    until = time.monotonic() + seconds
    await asyncio.gather(*(client(url, until, times, failures) for _ in range(clients)))
    median_ms = round(statistics.median(times) * 1000, 2) if times else 0.0
    return {"rate": len(times) / seconds, "median_ms": median_ms, "failed": len(failures)}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(load(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])))))
