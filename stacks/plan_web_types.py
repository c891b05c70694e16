"""The web tier's and the balancers' part of the plan; ``stacks.plan_web`` computes it."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address

from stacks.capacity import Limits
from stacks.model_web import BalanceMethod

GRANULARITY = {
    BalanceMethod.IP_HASH: (
        "ip_hash looks at the first three octets: all clients of one /24 reach the same web machine"
    ),
    BalanceMethod.ROUND_ROBIN: "round_robin sends each request to the next web machine",
    BalanceMethod.LEAST_CONN: "least_conn sends each request where the fewest are under way",
    BalanceMethod.RANDOM: "random picks two web machines and takes the one with fewer requests",
}
"""ngx_http_upstream_module: for IPv4 ip_hash takes the first three octets as its key."""


@dataclass(frozen=True, kw_only=True)
class Upstream:
    """One web machine behind the balancers."""

    node: str
    """Its name."""
    address: IPv4Address
    """Its address in the network that balancer and web machine share."""
    port: int
    """Port that its web server listens on."""


@dataclass(frozen=True, kw_only=True)
class BalancerPlan:
    """nginx as balancer on one node."""

    server_name: str
    """From the description."""
    method: BalanceMethod
    """From the description."""
    upstream_name: str
    """The tier's name."""
    upstreams: tuple[Upstream, ...]
    """Nodes of the tier, by id."""
    connections: int
    """From the description."""
    limits: Limits
    """What its connections take: ``stacks.capacity``."""
    max_body_mib: int
    """From the description."""
    max_fails: int
    """From the description."""
    fail_timeout_s: int
    """From the description."""
    listen_port: int
    """80."""
    status_port: int
    """8080 on 127.0.0.1: health answer and stub_status, not reachable from outside."""

    @property
    def granularity(self) -> str:
        """How coarsely clients are spread over the web machines, in one sentence."""
        return GRANULARITY[self.method]


@dataclass(frozen=True, kw_only=True)
class SharedServer:
    """One memcached or php-fpm of a web machine, which the others ask as well."""

    node: str
    """Web machine that it runs on."""
    address: IPv4Address
    """Its address in the first network that all web machines share, an isolated one before one
    that clients come from, never the management network."""
    port: int
    """11211, or 9000."""


@dataclass(frozen=True, kw_only=True)
class DatabaseClient:
    """How the application reaches a pair's MySQL."""

    vip: IPv4Address
    """The pair's VIP for it."""
    address: IPv4Address
    """The VIP, or 127.0.0.1 for a splitter: not a name, so that a page needs no DNS; the
    certificate holds it."""
    port: int
    """3306, or the splitter's for writes."""
    read_port: int
    """The same, or the splitter's for reads where it has one of its own for them."""
    is_verified: bool
    """Whether the application comes by TLS and verifies the server; on the way from Router on its
    own machine Router does."""
    name: str
    """The database, from the pair's description."""
    user: str
    """``site``: its account, known at this node's address."""
    password: str
    """Name of the secret: ``<pair>-site``."""
    certificate: str
    """Name of the value that holds the only certificate that is believed."""


@dataclass(frozen=True, kw_only=True)
class WebPlan:
    """nginx that serves pages on one node."""

    listen_address: IPv4Address
    """The node's address in the network that it shares with its balancers."""
    listen_port: int
    """80."""
    trusted_proxies: tuple[IPv4Address, ...]
    """Balancers whose X-Forwarded-For is believed."""
    max_body_mib: int
    """From the description."""
    limits: Limits
    """For as many requests at once as its balancers have connections; without any, 1024."""
    session_servers: tuple[SharedServer, ...]
    """The memcached of every web machine, by node id: each holds every session."""
    session_memory_mib: int
    """From the description."""
    php_servers: tuple[SharedServer, ...]
    """Of a pair that serves pages at VIPs of its own, the php-fpm of both nodes, by node id. Empty:
    each nginx asks its own node's, because balancers choose the node."""
    database: DatabaseClient | None
    """Where the application's rows go; none: into a file of the node's own."""
    share: str | None
    """Where a pair's export is mounted, for the uploads; none: the database has them, or, without
    one, a folder of the node's own."""

    @property
    def secrets(self) -> tuple[str, ...]:
        """Names of the values that its templates hold and the plan does not."""
        if self.database is None:
            return ()
        return self.database.password, self.database.certificate
