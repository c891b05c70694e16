"""The typed model of LVS: directors, virtual services, and the real servers that answer for them.

``stacks.model`` puts these into pairs. A virtual service is an address and a port: the active
director hands each new connection for it to one of its real servers (ipvsadm(8)).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from stacks.model_data import STRICT


class Forwarding(StrEnum):
    """How a director hands a packet to a real server (ipvsadm(8), packet-forwarding-method)."""

    NAT = "nat"
    """With the server's address in the VIP's place; the answer comes back through the director."""
    DR = "dr"
    """As it is, in a frame to the server's card; the server answers its client itself."""
    TUN = "tun"
    """As it is, inside a packet to the server, which may be in another network (RFC 2003)."""


class Scheduler(StrEnum):
    """Which real server a new connection goes to (ipvsadm(8), scheduling-method)."""

    RR = "rr"
    """Each in turn."""
    WRR = "wrr"
    """Each in turn, by weight (document 004)."""
    LC = "lc"
    """The one with the fewest connections."""
    WLC = "wlc"
    """The one with the fewest connections for its weight: the kernel's default."""
    SH = "sh"
    """By the client's address."""
    MH = "mh"
    """By the client's address; few clients change their server when one leaves."""


class ProbeKind(StrEnum):
    """How a director finds out whether a real server answers."""

    HTTP = "http"
    """A page, and what it has to hold."""
    CONNECT = "connect"
    """A connection, no more."""
    REPLICA = "replica"
    """Whether it has what its source has, ``read_tier.max_lag_s`` ago: a read tier's own word."""
    NONE = "none"
    """Not at all: every real server stays in the table, as in document 004."""


@dataclass(frozen=True, kw_only=True)
class Probe:
    """The question by which a real server stays in the table."""

    __pydantic_config__ = STRICT

    kind: ProbeKind
    """What is asked."""
    request: str = "/"
    """Path of the page; ``http`` only."""
    receive: str = ""
    """Text that the answer has to hold; ``http`` only. Empty: any page will do."""
    every_s: int = 2
    """Seconds between two questions."""
    timeout_s: int = 3
    """Seconds that an answer may take: a dead server is out after both."""


@dataclass(frozen=True, kw_only=True)
class VirtualService:
    """One address and port that directors answer for, over TCP."""

    __pydantic_config__ = STRICT

    vip: str
    """VIP of the pair that clients connect to."""
    port: int
    """Port that they connect to."""
    servers: dict[str, int]
    """Node or tier of real servers, each with its weight, 0 to 65535: a node's share of new
    connections. A node's own number counts before its tier's; with 0 it gets none, and keeps
    those that it has."""
    server_port: int | None = None
    """Port on the real servers; none: the same. Only ``nat`` can change it."""
    scheduler: Scheduler = Scheduler.WRR
    """How a real server is chosen (document 004)."""
    persistence_s: int | None = None
    """Seconds for which a client comes back to its real server; none: each connection by itself."""
    fallback: str | None = None
    """Node that answers while no real server does: it has a page that says so. Needs a probe."""
    probe: Probe = field(default_factory=lambda: Probe(kind=ProbeKind.CONNECT))
    """What keeps a real server in the table."""


@dataclass(frozen=True, kw_only=True)
class Director:
    """LVS on both nodes of a pair; the holder of a VIP answers for its virtual services."""

    __pydantic_config__ = STRICT

    forwarding: Forwarding
    """How packets get to the real servers."""
    services: dict[str, VirtualService]
    """The virtual services by name."""
    network: str
    """Network over which the directors tell each other their connections, so that these survive a
    take-over; it carries heartbeats as well, and is another one than the VIPs'."""
    gateway: str | None = None
    """VIP of the pair that the real servers' default route leads to, so that their answers come
    back to the active director. Needed for ``nat``, and for nothing else."""
    quiescent: bool = False
    """Whether a real server that fails gets weight 0 and keeps its connections (ldirectord(8));
    else it leaves the table, and its clients connect anew."""
