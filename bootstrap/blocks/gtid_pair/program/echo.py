"""Whether the peer's machine answers, whatever its server does: ICMP echo (RFC 792, raw(7)).

A machine that is starved of processor time lets a client wait for its answer, or for its login,
for longer than any look; its kernel answers an echo as soon as it runs at all. One that is off,
frozen or cut off does not.
"""

from __future__ import annotations

import os
import socket
import struct
from contextlib import suppress

REQUEST, REPLY = 8, 0
"""Types of RFC 792."""
HEADER = struct.Struct("!BBHHH")
"""Type, code, checksum, identifier, number."""
LARGEST = 2048
"""Bytes that are read of a packet."""


class Echo:
    """Echoes to one address; nothing waits for their answers."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.mine = os.getpid() & 0xFFFF
        self.number = 0
        self.socket: socket.socket | None = None

    def ask(self) -> None:
        """Send one; an address that cannot be reached gives no answer, and that is all."""
        self.number = (self.number + 1) & 0xFFFF
        with suppress(OSError):
            if self.socket is None:
                self.socket = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
                self.socket.setblocking(False)
                self.socket.connect((self.address, 0))
            self.socket.send(request(self.mine, self.number))

    def answered(self) -> bool:
        """Whether an answer has come since this was asked last."""
        found = False
        # BlockingIOError: all have been read; another one is what is known of an earlier echo.
        with suppress(OSError):
            while self.socket is not None:
                found = is_reply(self.socket.recv(LARGEST), self.mine) or found
        return found


def request(identifier: int, number: int) -> bytes:
    """An echo with its checksum."""
    empty = HEADER.pack(REQUEST, 0, 0, identifier, number)
    total = sum(struct.unpack(f"!{len(empty) // 2}H", empty))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return HEADER.pack(REQUEST, 0, ~total & 0xFFFF, identifier, number)


def is_reply(packet: bytes, identifier: int) -> bool:
    """Whether a packet, its IP header included, answers an echo of ours."""
    begin = (packet[0] & 0x0F) * 4 if packet else 0
    if len(packet) < begin + HEADER.size:
        return False
    kind, code, _, whose, _ = HEADER.unpack_from(packet, begin)
    return bool((kind, code, whose) == (REPLY, 0, identifier))
