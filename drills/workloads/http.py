"""One HTTP/1.1 exchange on an asyncio stream: enough to hold and judge thousands of connections.

Not a general client: GET and POST, bodies by length or in chunks, no redirects, no TLS. Whatever
does not look like an answer is a ``ValueError``, so that callers count it as a wrong answer.
"""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Mapping
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie

SPARE_FILES = 256
"""Descriptors beside the connections: the interpreter's own, pipes, the probe's."""


@dataclass(frozen=True, kw_only=True)
class Response:
    """What a server answered."""

    status: int
    """Status code."""
    headers: Mapping[str, str]
    """By lower-case name; of a repeated header the last one."""
    body: bytes
    """The whole body."""

    @property
    def closes(self) -> bool:
        """Whether the server ends the connection after this answer."""
        return self.headers.get("connection", "").lower() == "close"

    def cookie(self, name: str) -> str | None:
        """Value of a cookie that this answer sets."""
        try:
            found = SimpleCookie(self.headers.get("set-cookie", "")).get(name)
        except CookieError:
            return None
        return found.value if found else None


def request_bytes(path: str, *, host: str, headers: Mapping[str, str] | None = None) -> bytes:
    """A GET request without a body."""
    lines = [f"GET {path} HTTP/1.1", f"Host: {host}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


async def read_response(reader: asyncio.StreamReader) -> Response:
    """Read one answer.

    Raises:
        ValueError: the bytes are no HTTP answer that this client understands.
        asyncio.IncompleteReadError: the connection ended in the middle of it, or before it.
    """
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.LimitOverrunError as error:
        raise ValueError("the head of the answer has no end") from error
    first, *rest = head.split("\r\n")
    words = first.split()
    if len(words) < 2 or not words[0].startswith("HTTP/1.") or not words[1].isdigit():
        raise ValueError(f"this is no status line: {first[:80]!r}")
    headers = {}
    for line in rest:
        name, colon, value = line.partition(":")
        if colon:
            headers[name.strip().lower()] = value.strip()
    body = await _read_body(reader, headers)
    return Response(status=int(words[1]), headers=headers, body=body)


async def _read_body(reader: asyncio.StreamReader, headers: Mapping[str, str]) -> bytes:
    if headers.get("transfer-encoding", "").lower() == "chunked":
        parts = []
        while size := int((await reader.readuntil(b"\r\n")).strip().split(b";")[0], 16):
            parts.append(await reader.readexactly(size))
            await reader.readexactly(2)
        await reader.readuntil(b"\r\n")
        return b"".join(parts)
    if "content-length" in headers:
        return await reader.readexactly(int(headers["content-length"]))
    if headers.get("connection", "").lower() == "close":
        return await reader.read()
    return b""


async def get(
    host: str,
    *,
    port: int,
    path: str,
    source: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """One GET on a connection of its own.

    Raises:
        OSError: no connection, or it broke.
        ValueError: what came is no HTTP answer.
        asyncio.IncompleteReadError: the connection ended before the answer did.
    """
    reader, writer = await asyncio.open_connection(
        host, port, local_addr=(source, 0) if source else None
    )
    try:
        given = {**(headers or {}), "Connection": "close"}
        writer.write(request_bytes(path, host=host, headers=given))
        return await read_response(reader)
    finally:
        writer.close()


def raise_file_limit(connections: int) -> None:
    """Allow this process as many open files as its connections take.

    Raises:
        OSError: the hard limit is lower and we may not raise it.
    """
    needed = connections + SPARE_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return
    roof = hard if hard == resource.RLIM_INFINITY else max(hard, needed)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, roof))
    except ValueError as error:
        text = (
            f"This process may open {hard} files and {connections} connections need {needed}: "
            "run it as root or raise `ulimit -Hn`."
        )
        raise OSError(text) from error
