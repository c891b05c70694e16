"""A small HTTP server on loopback that behaves as it is told: the other side of the workloads."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Awaitable, Callable
from contextlib import suppress
from socket import SO_LINGER, SOL_SOCKET
from typing import Any

FILE = b"x" * 1024
Answer = Callable[[bytes, dict[str, str]], bytes | None]
"""From path and headers to the bytes of an answer; None breaks the connection by a reset."""


def answer(body: bytes, *, status: str = "200 OK", extra: str = "") -> bytes:
    """An answer that keeps its connection."""
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{extra}\r\n"
    return head.encode() + body


def serve_file(*_: object) -> bytes | None:
    """What a healthy machine answers."""
    return answer(FILE)


class Loopback:
    """The server; ``delay_s`` passes before each answer."""

    def __init__(self, behave: Answer = serve_file) -> None:
        self.behave, self.port, self.peers = behave, 0, set[str]()
        self.most, self.asked, self.delay_s = 0, 0, 0.0
        self._alive = False
        self._open: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen, on the port of the last time if there was one."""
        self._server = await asyncio.start_server(
            self._serve, "127.0.0.1", self.port, backlog=512, reuse_address=True
        )
        self._alive = True
        self.port = self._server.sockets[0].getsockname()[1]

    async def kill(self) -> None:
        """Stop listening and reset every connection, as a killed process does."""
        assert self._server is not None
        self._alive = False
        self._server.close()
        for writer in list(self._open):
            self.reset(writer)
        await asyncio.sleep(0)

    @staticmethod
    def reset(writer: asyncio.StreamWriter) -> None:
        """End a connection by RST, unless it has ended already."""
        linger = struct.pack("ii", 1, 0)
        with suppress(OSError):
            writer.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, linger)
        writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        self.most = max(self.most, len(self._open))
        self.peers.add(writer.get_extra_info("peername")[0])
        try:
            while self._alive:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                first, *rest = head.strip().split("\r\n")
                headers = dict(line.split(": ", 1) for line in rest)
                self.asked += 1
                found = self.behave(first.split()[1].encode(), headers)
                if self.delay_s:
                    await asyncio.sleep(self.delay_s)
                if found is None:
                    self.reset(writer)
                    return
                writer.write(found)
        except (OSError, asyncio.IncompleteReadError):
            return
        finally:
            self._open.discard(writer)
            if not self._alive:
                self.reset(writer)
            writer.transport.abort() if writer.is_closing() else writer.close()


def run_with(
    server: Loopback, scenario: Callable[[Loopback], Awaitable[dict[str, Any]]]
) -> dict[str, Any]:
    """Run a scenario against a started server, and kill the server afterwards."""

    async def whole() -> dict[str, Any]:
        await server.start()
        try:
            return await scenario(server)
        finally:
            await server.kill()

    return asyncio.run(whole())
