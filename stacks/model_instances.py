"""The typed model of MySQL servers in tiers: those that stand alone, and replicas to read from.

``stacks.model`` puts these into tiers. Of the first kind there are several on a machine, each with
its own port, and nothing replicates them (document 004). Of the second each node has one, which
follows a pair's MySQL (the wider picture of document 002). Directors hand connections to both.
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


@dataclass(frozen=True, kw_only=True)
class ReadTier:
    """A replica on each node of a tier, which follows a pair's MySQL by its VIP, by GTID."""

    __pydantic_config__ = STRICT

    of: str
    """Pair with role ``mysql`` on a replicated disk: whichever node holds its VIP is the source."""
    clients: tuple[IPv4Network, ...]
    """Networks, or single addresses, whose machines may log in as ``reader``, who may only read."""
    port: int = 3306
    """Port of the replicas, and of the virtual service before them (IANA: mysql)."""
    max_lag_s: float = 2.0
    """Seconds by which a replica that is read from may be behind: as ``replication.max_lag_s``."""
    buffer_pool_mib: int = 32
    """InnoDB's cache."""
    connections: int = 100
    """Connections at most."""
