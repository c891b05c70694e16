"""Who holds each VIP, asked by ARP on its bridge and never through SSH.

Each request is an ARP probe (RFC 5227 section 2.1.1: sender address 0.0.0.0, so that no machine
learns anything from it) whose sender hardware address carries a sequence number. Linux answers to
that address, so every answer names the request it belongs to: two MACs that answer one request are
two holders at that instant, however late either answer comes.

Runs inside the lab's network namespace and prints JSON lines until it is terminated:
``python -m drills.arp BRIDGE VIP [VIP ...]`` -> ``{"at", "vip", "sequence", "macs"}``.
"""

from __future__ import annotations

import json
import signal
import socket
import struct
import sys
import time
from dataclasses import dataclass, field
from ipaddress import IPv4Address

RATE_HZ = 5
"""Requests per second and VIP (requirements.md section 4)."""
SETTLE_S = 0.9
"""How long after a request its answers are still counted; starved machines answer late."""
ETH_P_ARP = 0x0806
SOL_PACKET, PACKET_ADD_MEMBERSHIP, PACKET_MR_PROMISC = 263, 1, 1
"""packet(7): answers go to a MAC that no card has, so only a promiscuous socket sees them."""
SEQUENCE_PREFIX = b"\x02\x50\x57"
"""Locally administered prefix of the sender hardware addresses that carry a sequence number."""


@dataclass
class Request:
    """One question and the MACs that answered it."""

    vip: str
    sequence: int
    at: float
    macs: set[str] = field(default_factory=set)

    def line(self) -> str:
        """The sample as one JSON line."""
        sample = {"at": round(self.at, 3), "vip": self.vip, "sequence": self.sequence}
        return json.dumps({**sample, "macs": sorted(self.macs)})


def probe_frame(vip: str, *, own_mac: bytes, sequence: int) -> bytes:
    """An Ethernet frame that asks who has ``vip``; the answer goes to the sequence's MAC."""
    asker = SEQUENCE_PREFIX + sequence.to_bytes(3, "big")
    header = b"\xff" * 6 + own_mac + struct.pack("!H", ETH_P_ARP)
    request = struct.pack("!HHBBH", 1, 0x0800, 6, 4, 1)
    return header + request + asker + bytes(4) + bytes(6) + IPv4Address(vip).packed


def answer_of(frame: bytes) -> tuple[int, str, str] | None:
    """(sequence, vip, mac) of an answer to one of our probes; None for any other frame."""
    if len(frame) < 42 or frame[12:14] != b"\x08\x06" or frame[20:22] != b"\x00\x02":
        return None
    if frame[32:35] != SEQUENCE_PREFIX:
        return None
    mac = ":".join(f"{byte:02x}" for byte in frame[22:28])
    return int.from_bytes(frame[35:38], "big"), str(IPv4Address(frame[28:32])), mac


def watch(bridge: str, vips: list[str]) -> None:
    """Ask for each VIP at the given rate and print each sample when its answers are in."""
    stopped: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: stopped.append(number))
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ARP))
    sock.bind((bridge, ETH_P_ARP))
    index = socket.if_nametoindex(bridge)
    member = struct.pack("iHH8s", index, PACKET_MR_PROMISC, 0, b"")
    sock.setsockopt(SOL_PACKET, PACKET_ADD_MEMBERSHIP, member)
    own_mac = sock.getsockname()[4]
    open_requests: dict[int, Request] = {}
    sequence, due = 0, time.monotonic()
    while not stopped:
        now = time.monotonic()
        if now >= due:
            for vip in vips:
                sequence = (sequence + 1) % (1 << 24)
                open_requests[sequence] = Request(vip, sequence, time.time())
                sock.send(probe_frame(vip, own_mac=own_mac, sequence=sequence))
            due = max(due + 1 / RATE_HZ, now)
        _settle(open_requests, before=time.time() - SETTLE_S)
        sock.settimeout(max(due - time.monotonic(), 0.001))
        try:
            answer = answer_of(sock.recv(2048))
        except TimeoutError:
            continue
        if answer and answer[0] in open_requests and open_requests[answer[0]].vip == answer[1]:
            open_requests[answer[0]].macs.add(answer[2])
    _settle(open_requests, before=time.time() + 1)


def _settle(requests: dict[int, Request], *, before: float) -> None:
    """Print and forget the requests that were asked before a time."""
    for sequence in [number for number, request in requests.items() if request.at < before]:
        print(requests.pop(sequence).line(), flush=True)


if __name__ == "__main__":
    watch(sys.argv[1], sys.argv[2:])
