"""The part of the plan that is VRRP."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address

from stacks.model import VrrpMode


@dataclass(frozen=True, kw_only=True)
class VrrpInstance:
    """One VRRP instance as one node sees it."""

    name: str
    """Name of the VIP."""
    interface: str
    """Interface of the VIP's network."""
    vrid: int
    """From the description."""
    priority: int
    """101 where the VIP is preferred; on the other node 90, or 100 in a sync group."""
    preferred: bool
    """Whether this node holds the VIP in steady state."""
    advert_interval_s: float
    """From the description."""
    own_address: IPv4Address
    """Unicast source: this node's address in the VIP's network."""
    peer_address: IPv4Address
    """Unicast peer: the other node's address in the VIP's network."""
    vip: IPv4Address
    """The address that moves."""
    prefix: int
    """Prefix length of its network."""
    takeover_s: float
    """Bound of a take-over: 3 adverts plus the peer's skew, (256 - priority) / 256 adverts."""


@dataclass(frozen=True, kw_only=True)
class KeepalivedPlan:
    """VRRP on one node."""

    mode: VrrpMode
    """From the description."""
    instances: tuple[VrrpInstance, ...]
    """All VIPs under keepalived, by VRID; in mode ``single`` only the one with the lowest."""
    check_url: str
    """Local URL that the node's own service answers itself, whatever its upstream does."""
