"""The kernel's table of virtual services, as ``ipvsadm --save`` prints it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class SeenRealServer:
    """One real server of a virtual service."""

    forwarding: str
    """ipvsadm(8)'s flag: ``-g`` (dr), ``-i`` (tun) or ``-m`` (nat)."""
    weight: int
    """Its share of new connections."""


@dataclass(frozen=True, kw_only=True)
class SeenService:
    """One virtual service."""

    options: tuple[str, ...]
    """Scheduler and persistence, as ipvsadm(8) writes them."""
    servers: Mapping[str, SeenRealServer] = field(default_factory=dict)
    """By ``address:port``."""


@dataclass(frozen=True, kw_only=True)
class SeenLvs:
    """What the kernel holds."""

    services: Mapping[str, SeenService] = field(default_factory=dict)
    """By protocol and address, ``-t 10.0.0.1:80``."""


def script(wanted: bool) -> str:
    """Shell text that prints the table; nothing where there is none: to ask would make one."""
    if not wanted:
        return ""
    return "[ ! -e /proc/net/ip_vs ] || { echo '#table'; ipvsadm -Sn; }"


def process(lines: Iterable[str]) -> SeenLvs | None:
    """Return the table; None where the kernel has none."""
    services: dict[str, SeenService] = {}
    servers: dict[str, dict[str, SeenRealServer]] = {}
    found = False
    for line in lines:
        words = line.split()
        if line.startswith("#"):
            found = True
        elif words[:1] == ["-A"]:
            key = " ".join(words[1:3])
            servers[key] = {}
            services[key] = SeenService(options=tuple(words[3:]), servers=servers[key])
        elif words[:1] == ["-a"]:
            # -a -t VIP:port -r server:port -g -w 1
            server = SeenRealServer(forwarding=words[5], weight=int(words[7]))
            servers.setdefault(" ".join(words[1:3]), {})[words[4]] = server
    return SeenLvs(services=services) if found else None
