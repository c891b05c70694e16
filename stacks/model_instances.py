"""The typed model of MySQL servers that stand alone: several on a machine, each with its own port.

``stacks.model`` puts these into tiers (document 004). Nothing replicates them; directors hand
connections to them.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network

from stacks.model_data import STRICT


@dataclass(frozen=True, kw_only=True)
class Instance:
    """One MySQL server on one node of a tier."""

    __pydantic_config__ = STRICT

    node: str
    """Node of the tier that runs it."""
    port: int
    """Port that it listens at, on every address of the node."""
    clients: tuple[IPv4Network, ...]
    """Networks, or single addresses, whose machines may log in as ``site``."""
    database: str = "site"
    """Database that ``site`` may read and write."""
    buffer_pool_mib: int = 32
    """InnoDB's cache."""
    connections: int = 100
    """Connections at most."""
