"""Short answers over HTTP for those that choose a server: splitters and directors.

One request for each connection, nothing but its path counts (RFC 9112 section 3). Standard library
only, the machine's own Python.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import suppress

REQUEST_S = 0.5
"""For a request, which comes with its connection."""
REQUEST_BYTES = 1024
"""More than any that HAProxy, ldirectord or keepalived sends."""
QUEUE = 16
"""Connections that wait; a handful of machines ask at once, at most."""
Answer = tuple[int, str]
"""HTTP status, and why, for a person with curl."""


def serve(place: tuple[str, int], find: Callable[[str], Answer]) -> None:
    """Answer at an address and port until the process ends; ``find`` gives a path's answer."""
    with socket.create_server(place, backlog=QUEUE) as listener:
        while True:
            connection, _ = listener.accept()
            with connection, suppress(OSError):
                connection.settimeout(REQUEST_S)
                connection.sendall(answer(connection.recv(REQUEST_BYTES), find))


def answer(request: bytes, find: Callable[[str], Answer]) -> bytes:
    """To one request."""
    words = request.split(maxsplit=2)
    path = words[1].decode(errors="replace") if len(words) > 1 else ""
    status, why = find(path)
    text = f"{why}\n"
    return f"HTTP/1.0 {status} -\r\nContent-Length: {len(text)}\r\n\r\n{text}".encode()
