"""ICMP echo: what is sent, and what counts as an answer."""

from __future__ import annotations

import socket

import pytest

from bootstrap.blocks.gtid_pair.program import echo
from bootstrap.blocks.gtid_pair.program.echo import Echo, is_reply, request

IP = bytes([0x45, *[0] * 19])
"""A header without options: five words."""
LONGER = bytes([0x46, *[0] * 23])
"""One with an option."""


def reply(identifier: int) -> bytes:
    return bytes([echo.REPLY]) + request(identifier, 7)[1:]


def test_the_checksum_makes_the_packet_s_words_add_up() -> None:
    # RFC 1071: the one's complement sum of a packet with its checksum is all ones.
    packet = request(0xBEEF, 0xCAFE)
    total = sum(int.from_bytes(packet[i : i + 2], "big") for i in range(0, len(packet), 2))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    assert total == 0xFFFF


@pytest.mark.parametrize(
    ("packet", "counts"),
    [
        (IP + reply(3), True),
        (LONGER + reply(3), True),
        (IP + reply(4), False),
        (IP + request(3, 7), False),
        (IP + reply(3)[:6], False),
        (b"", False),
    ],
)
def test_only_an_answer_to_an_echo_of_ours_counts(packet: bytes, counts: bool) -> None:
    assert is_reply(packet, 3) is counts


def test_an_answer_counts_once_and_the_next_one_again() -> None:
    asking, machine = socket.socketpair(type=socket.SOCK_DGRAM)
    asking.setblocking(False)
    over = Echo("192.0.2.1")
    over.socket = asking
    assert not over.answered()
    for _ in range(2):
        over.ask()
        assert machine.recv(echo.LARGEST) == request(over.mine, over.number)
        assert not over.answered()
        machine.send(IP + reply(over.mine))
        assert over.answered()
        assert not over.answered()
    machine.close()
    over.ask()
    assert not over.answered()
    asking.close()
