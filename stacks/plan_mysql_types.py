"""The plan's part for a pair's MySQL; ``stacks.plan_mysql`` computes it."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address


@dataclass(frozen=True, kw_only=True)
class MysqlAccount:
    """An account of a pair's server for others than the application."""

    name: str
    """Of the account."""
    clients: tuple[str, ...]
    """Addresses and networks that it comes from."""
    scope: str
    """Database in which its rights are; ``*``: everywhere."""
    rights: tuple[str, ...]
    """What it may do, in the server's own words."""
    secret: str
    """Name of the secret: its password."""


@dataclass(frozen=True, kw_only=True)
class MysqlPlan:
    """MySQL on one node of a pair."""

    data: str
    """Data directory: on the replicated disk; in a GTID pair on the root disk."""
    mount_point: str
    """Folder that holds it: the mount without which it must not start; in a GTID pair a folder."""
    vip: IPv4Address
    """Address that clients use."""
    port: int
    """3306 (IANA: mysql)."""
    own_address: IPv4Address
    """This node's address in the VIP's network."""
    database: str
    """From the description."""
    account: str
    """``site``: the application's account, once for each client's address."""
    buffer_pool_mib: int
    """From the description."""
    clients: tuple[IPv4Address, ...]
    """Web machines whose description names this pair as ``database``, by id."""
    password: str
    """Name of the secret: the application's password."""
    certificate: str
    """Name of the value that holds the server's certificate."""
    key: str
    """Name of the secret that holds the certificate's private key."""
    replicas: tuple[IPv4Address, ...] = ()
    """Nodes of read tiers, by id: they follow whichever server holds the VIP."""
    accounts: tuple[MysqlAccount, ...] = ()
    """What these and their clients need."""

    @property
    def secrets(self) -> tuple[str, ...]:
        """Names of the values that its templates hold and the plan does not."""
        own = (self.password, self.certificate, self.key)
        return own + tuple(account.secret for account in self.accounts)
