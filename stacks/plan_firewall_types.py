"""The plan's part for packets: what a node accepts, and what it passes on."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network


@dataclass(frozen=True, kw_only=True)
class FirewallRule:
    """One accepted kind of incoming traffic; everything else is dropped."""

    interface: str
    """Interface on which it may arrive."""
    protocol: str
    """``tcp``, ``udp``, ``vrrp`` (IP protocol 112) or ``ipip`` (4)."""
    ports: tuple[int, ...]
    """Destination ports; empty for vrrp and ipip."""
    sources: tuple[IPv4Network, ...]
    """Networks or single addresses that may send it; empty means any."""
    destinations: tuple[IPv4Address, ...] = ()
    """Addresses that it may be for; empty means any of the node's."""
    stateless: bool = False
    """Whether it is accepted before connection tracking is asked: of a virtual service a director
    sees one direction, and the kernel lets tracking forget it, so that a connection's end is the
    first packet that tracking ever sees, which it calls invalid."""
    reason: str
    """What it is for; becomes the rule's comment."""


@dataclass(frozen=True, kw_only=True)
class ForwardRule:
    """One accepted kind of traffic between networks; everything else is dropped."""

    interface: str
    """Interface on which it arrives."""
    sources: tuple[IPv4Address, ...]
    """Who sends it."""
    ports: tuple[int, ...]
    """Source ports, TCP."""
    reason: str
    """What it is for; becomes the rule's comment."""
