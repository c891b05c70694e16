"""One of many kept connections: opened, asked once in each period, opened again when it breaks."""

from __future__ import annotations

import asyncio
import hashlib
import random
import time
from dataclasses import dataclass, field

from drills.wait import pace
from drills.workloads.http import read_response, request_bytes
from drills.workloads.tally import Held, Tally

CONNECT_S = 5.0
"""A connection not accepted for this long is given up: SYNs are sent at 0, 1 and 3 s."""
ANSWER_S = 10.0
"""A request without an answer for this long is given up, and its connection with it."""
RETRY_S = (0.1, 1.0)
"""Bounds of the random delay before a broken connection is opened again."""
RETRY_MOST_S = 4.0
"""The delay doubles with each attempt in a row that fails, up to this."""


@dataclass(frozen=True, kw_only=True)
class Load:
    """What is asked of the servers."""

    vips: tuple[str, ...]
    """Addresses, taken in turn."""
    port: int = 80
    """Port on each of them."""
    connections: int = 9000
    """Connections over all VIPs."""
    seconds: float = 180.0
    """Length of the run, from the first connection on."""
    every_s: float = 30.0
    """Each connection asks once in this time; also the time in which they open."""
    path: str = "/static/probe.txt"
    """The file that is asked for."""
    bytes: int = 1024
    """Length of its body."""
    sha256: str | None = None
    """Hash of its body; without it all answers must be alike."""
    sources: tuple[str, ...] = ()
    """Client addresses, taken in turn; none leaves the choice to the kernel."""
    probe_path: str = "/app/visit"
    """What the probe asks for."""
    probe_hz: float = 2.0
    """Probes per second over all VIPs; 0 is no probe."""


class BrokenError(Exception):
    """A connection that cannot be used any more and has been counted."""


@dataclass
class Run:
    """State of one run: what was counted so far."""

    load: Load
    held: dict[str, Held]
    probes: tuple[Tally, Tally] = field(default_factory=lambda: (Tally(), Tally()))
    """Of the PHP probe, before and after t0."""
    mark: float | None = None
    """t0 by the monotonic clock."""
    sha256: str | None = None
    """Hash that a body must have."""
    rss_at_start: int = 0
    """Memory of this process before the first connection, in bytes."""
    rss_most: int = 0
    """Most memory of this process, in bytes."""
    lag_s: float = 0.0
    """Longest time by which this client ran behind its own clock: a starved client sees ghosts."""
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    """Set by SIGTERM."""

    def set_mark(self) -> None:
        """Take this instant as t0."""
        if self.mark is None:
            self.mark = time.monotonic()
            for held in self.held.values():
                held.at_mark = held.now

    def tally(self, vip: str, *, at: float | None = None) -> Tally:
        """Where something belongs that began at a time, or happens now."""
        held = self.held[vip]
        late = self.mark is not None and (at is None or at >= self.mark)
        return held.after if late else held.before

    def body_is_right(self, body: bytes) -> bool:
        """Whether a body has the expected length and hash."""
        if len(body) != self.load.bytes:
            return False
        found = hashlib.sha256(body).hexdigest()
        self.sha256 = self.sha256 or found
        return found == self.sha256


class Client:
    """One connection, held for the whole run."""

    def __init__(self, run: Run, number: int) -> None:
        load = run.load
        self.run, self.number = run, number
        self.vip = load.vips[number % len(load.vips)]
        turn = number // len(load.vips)
        source = load.sources[turn % len(load.sources)] if load.sources else None
        self.local = (source, 0) if source else None
        self.request = request_bytes(load.path, host=self.vip)
        self.dice = random.Random(number)
        self.failures = 0

    async def hold(self) -> None:
        """Open, use and open again until cancelled."""
        every = self.run.load.every_s
        self.due = time.monotonic() + every * self.number / self.run.load.connections
        await pace(self.due)
        while True:
            try:
                await self._open_and_use()
            except BrokenError:
                delay = self.dice.uniform(*RETRY_S) * 2**self.failures
                await pace(time.monotonic() + min(delay, RETRY_MOST_S))

    async def _open_and_use(self) -> None:
        held, load = self.run.held[self.vip], self.run.load
        try:
            async with asyncio.timeout(CONNECT_S):
                reader, writer = await asyncio.open_connection(
                    self.vip, load.port, local_addr=self.local
                )
        except ConnectionRefusedError as error:
            self.run.tally(self.vip).refused += 1
            self.failures = min(self.failures + 1, 5)
            raise BrokenError from error
        except OSError as error:
            # Also the deadline above: TimeoutError is an OSError.
            self.run.tally(self.vip).unreachable += 1
            self.failures = min(self.failures + 1, 5)
            raise BrokenError from error
        held.opened()
        try:
            while True:
                await self._ask(reader, writer)
                await self._idle(reader)
        except OSError as error:
            self.run.tally(self.vip).reset += 1
            raise BrokenError from error
        finally:
            held.ended()
            writer.transport.abort()

    async def _ask(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sent = time.monotonic()
        tally = self.run.tally(self.vip, at=sent)
        writer.write(self.request)
        try:
            async with asyncio.timeout(ANSWER_S):
                response = await read_response(reader)
        except TimeoutError as error:
            tally.unanswered += 1
            raise BrokenError from error
        except asyncio.IncompleteReadError as error:
            tally.reset += 1
            raise BrokenError from error
        except ValueError as error:
            tally.answered_wrong(str(error))
            raise BrokenError from error
        now = time.monotonic()
        if response.status == 200 and self.run.body_is_right(response.body):
            self.failures = 0
            tally.answered(now - sent)
            if self.run.mark is not None and sent >= self.run.mark:
                self.run.held[self.vip].recovered.setdefault(self.number, now - self.run.mark)
        else:
            tally.answered_wrong(f"status {response.status}, body {response.body[:60]!r}")
        if response.closes:
            self.run.tally(self.vip).closed += 1
            raise BrokenError

    async def _idle(self, reader: asyncio.StreamReader) -> None:
        """Keep the connection until it is due again; see at once when the other side ends it."""
        now, every = time.monotonic(), self.run.load.every_s
        self.due += every * max((now - self.due) // every + 1, 1)
        try:
            async with asyncio.timeout(self.due - now):
                unasked = await reader.read(1)
        except TimeoutError as error:
            if error.errno is not None:
                raise  # ETIMEDOUT of the kernel: the connection is dead
            return
        tally = self.run.tally(self.vip)
        if unasked:
            tally.answered_wrong("bytes that nobody asked for")
        else:
            tally.closed += 1
        raise BrokenError
