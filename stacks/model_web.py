"""The typed model of what serves pages: balancers, and the machines behind them.

``stacks.model`` puts these into pairs and tiers (document 000).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from stacks.model_data import STRICT


class BalanceMethod(StrEnum):
    """How the balancer chooses a web machine (nginx, ngx_http_upstream_module)."""

    IP_HASH = "ip_hash"
    ROUND_ROBIN = "round_robin"
    LEAST_CONN = "least_conn"
    RANDOM = "random"


@dataclass(frozen=True, kw_only=True)
class Balancer:
    """nginx as balancer on both nodes of a pair (document 000)."""

    __pydantic_config__ = STRICT

    upstream: str
    """Tier whose nodes serve the requests."""
    method: BalanceMethod = BalanceMethod.IP_HASH
    """How a web machine is chosen."""
    server_name: str = "_"
    """Name of the site's virtual host; ``_`` answers to every name."""
    connections: int = 9000
    """Concurrent client connections that each balancer must be able to hold alone."""
    max_body_mib: int = 8
    """Largest upload that passes (the document's client_max_body_size)."""
    max_fails: int = 1
    """Failures after which a web machine is left out for ``fail_timeout_s``."""
    fail_timeout_s: int = 10
    """Seconds for which a failed web machine is left out."""


@dataclass(frozen=True, kw_only=True)
class Web:
    """nginx and php-fpm that serve the site, with its sessions in memcached on every node."""

    __pydantic_config__ = STRICT

    max_body_mib: int = 8
    """Largest upload that passes; must agree with the balancer's."""
    session_memory_mib: int = 64
    """Memory of the memcached on each node; each one holds all sessions."""
    database: str | None = None
    """Pair with role ``mysql`` that keeps the application's rows; none: each node keeps its own."""
    files: str | None = None
    """Pair with role ``nfs`` that keeps the uploads; none: the database has them, and without one
    each node its own."""
