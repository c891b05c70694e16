"""The plan's part for directors and their real servers; ``stacks.plan_lvs`` computes it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address

from stacks.model_lvs import Forwarding, ProbeKind, Scheduler

TUNNEL = "tunl0"
"""Device on which the kernel's module ipip hands out what came inside a packet, whoever sent it."""


class Checker(StrEnum):
    """The daemon that looks at real servers, by its unit's name."""

    LDIRECTORD = "ldirectord"
    """Where Heartbeat moves the VIPs (document 001)."""
    KEEPALIVED = "keepalived"
    """Where it moves the VIPs itself (keepalived.conf(5), LVS CONFIGURATION)."""


@dataclass(frozen=True, kw_only=True)
class RealServer:
    """One of the machines that answer for a virtual service."""

    node: str
    """Its name."""
    address: IPv4Address
    """Where packets are sent to: for ``dr`` in the VIP's network, for ``nat`` in the gateway's,
    for ``tun`` in a network of the directors, else its first one."""
    port: int
    """The service's, unless ``nat`` changes it."""
    weight: int
    """From the description: its own, else its tier's."""


@dataclass(frozen=True, kw_only=True)
class ProbePlan:
    """The question by which a real server stays in the table."""

    kind: ProbeKind
    """From the description; ``replica`` is ``http`` from here on."""
    request: str
    """From the description, or a read tier's own; ``http`` only."""
    receive: str
    """From the description, or a read tier's own; ``http`` only."""
    port: int | None
    """Port that is asked where it is not the service's: a read tier answers beside its server."""
    every_s: int
    """From the description."""
    timeout_s: int
    """From the description."""


@dataclass(frozen=True, kw_only=True)
class ServicePlan:
    """One virtual service."""

    name: str
    """Key in the description."""
    vip: IPv4Address
    """Address of its VIP."""
    interface: str
    """Interface of the directors on which clients' packets arrive: the VIP's network."""
    port: int
    """From the description."""
    scheduler: Scheduler
    """From the description."""
    persistence_s: int | None
    """From the description."""
    probe: ProbePlan
    """From the description."""
    servers: tuple[RealServer, ...]
    """By node id."""
    fallback: RealServer | None
    """Who answers while none of them does."""

    @property
    def is_probed(self) -> bool:
        """Whether a daemon decides which of its real servers are in the table."""
        return self.probe.kind is not ProbeKind.NONE

    @property
    def has_page(self) -> bool:
        """Whether clients get pages there: the very port of the service is asked for one."""
        return self.probe.kind is ProbeKind.HTTP and self.probe.port is None


@dataclass(frozen=True, kw_only=True)
class SyncPlan:
    """How both directors know each other's connections (ipvsadm(8), --start-daemon)."""

    interface: str
    """Interface of the description's ``network``."""
    peer_address: IPv4Address
    """The other director's address on it."""
    id: int
    """The stack's id: directors of other stacks are not listened to."""
    port: int
    """8848 (UDP): the kernel's default."""


@dataclass(frozen=True, kw_only=True)
class InsideVip:
    """The VIP that real servers' default route leads to."""

    address: IPv4Address
    """From the description."""
    interface: str
    """Interface of its network."""


@dataclass(frozen=True, kw_only=True)
class DirectorPlan:
    """LVS on one node of a pair."""

    forwarding: Forwarding
    """From the description."""
    services: tuple[ServicePlan, ...]
    """By name."""
    checker: Checker
    """Who looks at the real servers of services with a probe."""
    quiescent: bool
    """From the description."""
    gateway: InsideVip | None
    """With ``nat``: where real servers' answers arrive."""
    sync: SyncPlan
    """How connections survive a take-over."""

    @property
    def probed(self) -> tuple[ServicePlan, ...]:
        """Services whose real servers the checker adds and removes."""
        return tuple(service for service in self.services if service.is_probed)


@dataclass(frozen=True, kw_only=True)
class AnsweredVip:
    """A VIP of directors that a real server answers for."""

    address: IPv4Address
    """The VIP."""
    forwarding: Forwarding
    """How its packets arrive."""
    interface: str
    """Interface on which they arrive."""
    ports: tuple[int, ...]
    """Ports of its services on this machine."""
    asked: tuple[int, ...]
    """Ports at which directors ask about them, where those are others."""
    directors: tuple[IPv4Address, ...]
    """Both directors' addresses towards this machine: they probe it."""


@dataclass(frozen=True, kw_only=True)
class RealServerPlan:
    """What makes a machine a real server."""

    vips: tuple[AnsweredVip, ...]
    """By address."""
    gateway: InsideVip | None
    """Where its default route leads, with ``nat``: the directors' VIP in its network."""
