"""The kernel's virtual services as /proc/net/ip_vs shows them (net/netfilter/ipvs/ip_vs_ctl.c)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address

PATH = "/proc/net/ip_vs"

Table = Mapping[str, Mapping[str, int]]
"""Service -> real server -> weight, each as ``address:port``."""


def parse(lines: Iterable[str]) -> Table:
    """Understand the file: addresses and ports are hexadecimal, one server per line below its
    service."""
    found: dict[str, dict[str, int]] = {}
    servers: dict[str, int] = {}
    for line in lines:
        words = line.split()
        if words[:1] == ["TCP"]:
            servers = found.setdefault(_place(words[1]), {})
        elif words[:1] == ["->"] and words[-1].isdigit():
            servers[_place(words[1])] = int(words[3])
    return found


def _place(text: str) -> str:
    address, _, port = text.partition(":")
    return f"{IPv4Address(int(address, 16))}:{int(port, 16)}"
