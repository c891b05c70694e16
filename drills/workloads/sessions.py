"""Many clients with a session each: written once, then read and counted until the end.

Clients take VIPs and source addresses in turn. Each starts its session by ``GET /app/visit`` and
keeps the cookie; from then on it reads (``/app/session``) and visits in turn, one request at a
time. Prints one JSON line for each request (``drills.workloads.history`` says what is in it) until
it is terminated. Run it inside the lab's namespace:
``python -m drills.workloads.sessions [options] VIP [VIP ...]``
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from drills.workloads.http import Response, get, raise_file_limit

COOKIE = "PAIRWISE_SESSION"
"""Name of the application's session cookie."""
PATHS = {"visit": "/app/visit", "session": "/app/session"}
ANSWER_S = 15.0
"""Longer than a balancer takes to give a silent web machine up (10 s) and to ask the other one."""
PAUSE_S = 0.5
"""Pause after a first visit: then it is read back, or tried again if it failed."""


@dataclass(frozen=True, kw_only=True)
class Crowd:
    """Who asks, whom and how often."""

    vips: tuple[str, ...]
    """Addresses, taken in turn."""
    port: int = 80
    """Port on each of them."""
    clients: int = 200
    """Clients with a session each."""
    every_s: float = 5.0
    """Time between two requests of one client; the first ones are spread over it."""
    sources: tuple[str, ...] = ()
    """Client addresses, taken in turn; none leaves the choice to the kernel."""


class Client:
    """One browser: an address, a cookie, one request at a time."""

    def __init__(self, crowd: Crowd, number: int) -> None:
        self.crowd, self.number = crowd, number
        # Neighbours share a VIP and not a network, so that each VIP sees all networks.
        self.source = crowd.sources[number % len(crowd.sources)] if crowd.sources else None
        turn = number // max(len(crowd.sources), 1)
        self.vip = crowd.vips[turn % len(crowd.vips)]
        self.cookie: str | None = None

    async def live(self, stop: asyncio.Event) -> None:
        """Start a session, then read and visit in turn until told to stop."""
        every = self.crowd.every_s
        due = time.monotonic() + random.Random(self.number).uniform(0, every)
        turn = 0
        while not await _stopped(stop, within_s=due - time.monotonic()):
            if self.cookie is None:
                await self.ask("visit")
                due = time.monotonic() + PAUSE_S
                continue
            await self.ask("session" if turn % 2 == 0 else "visit")
            turn += 1
            due = max(due + every, time.monotonic())

    async def ask(self, op: str) -> None:
        """One request, printed as one line."""
        invoked = time.monotonic()
        line: dict[str, Any] = {"client": self.number, "source": self.source, "op": op}
        line |= {"invoked": invoked, "status": 0, "answer": None, "error": ""}
        try:
            async with asyncio.timeout(ANSWER_S):
                response = await self._get(PATHS[op])
            line["status"] = response.status
            line["answer"] = _session_of(response)
            line["outcome"] = "ok"
        except ConnectionRefusedError as failure:
            line |= {"outcome": "failed", "error": type(failure).__name__}
        except (OSError, asyncio.IncompleteReadError, ValueError) as failure:
            # Whoever only reads has changed nothing; a visit may have been counted.
            line["outcome"] = "unknown" if op == "visit" else "failed"
            line["error"] = f"{type(failure).__name__}: {failure}"
        line["ended"] = time.monotonic()
        print(json.dumps(line), flush=True)

    async def _get(self, path: str) -> Response:
        headers = {"Cookie": f"{COOKIE}={self.cookie}"} if self.cookie else None
        response = await get(
            self.vip, port=self.crowd.port, path=path, source=self.source, headers=headers
        )
        if response.status == 200:
            self.cookie = self.cookie or response.cookie(COOKIE)
        return response


def _session_of(response: Response) -> dict[str, Any]:
    """The application's answer.

    Raises:
        ValueError: this is no good answer.
    """
    if response.status != 200:
        raise ValueError(f"status {response.status}, body {response.body[:60]!r}")
    answer = json.loads(response.body)
    if not isinstance(answer, dict) or not {"node", "session", "first_node", "visits"} <= {*answer}:
        raise ValueError(f"this is no session: {response.body[:60]!r}")
    return answer


async def _stopped(stop: asyncio.Event, *, within_s: float) -> bool:
    """Whether the end comes before a time has passed."""
    try:
        async with asyncio.timeout(max(within_s, 0)):
            return await stop.wait()
    except TimeoutError:
        return False


async def run_crowd(crowd: Crowd, *, stop: asyncio.Event | None = None) -> None:
    """Let all clients live until SIGTERM; what is under way then is still answered."""
    stop = stop or asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with asyncio.TaskGroup() as group:
        for number in range(crowd.clients):
            group.create_task(Client(crowd, number).live(stop))


def crowd_of(arguments: Sequence[str] | None) -> Crowd:
    """The crowd that a command line describes."""
    own = Crowd(vips=())
    parser = argparse.ArgumentParser(prog="drills.workloads.sessions", description=__doc__)
    parser.add_argument("vips", nargs="+", metavar="VIP")
    parser.add_argument("--port", type=int, default=own.port)
    parser.add_argument("--clients", type=int, default=own.clients)
    parser.add_argument("--every", dest="every_s", type=float, default=own.every_s)
    parser.add_argument("--source", dest="sources", action="append", default=[], metavar="ADDRESS")
    given = vars(parser.parse_args(arguments))
    return Crowd(**{**given, "vips": tuple(given["vips"]), "sources": tuple(given["sources"])})


def main() -> None:
    crowd = crowd_of(None)
    raise_file_limit(crowd.clients)
    asyncio.run(run_crowd(crowd))


if __name__ == "__main__":
    main()
