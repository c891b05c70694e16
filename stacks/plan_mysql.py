"""A pair's MySQL: what follows for it, and for the read tiers that follow it."""

from __future__ import annotations

from ipaddress import IPv4Address

from stacks.addressing import MYSQL_PORT, node_address
from stacks.members import addresses, clients_of, member_name
from stacks.model import Pair, Stack, Tier
from stacks.plan_mysql_types import MysqlAccount, MysqlPlan

MYSQL_ACCOUNT = "site"
"""Account of the application in each pair's MySQL."""
REPLICA_ACCOUNT = "pairwise_read_tier"
"""By which replicas come to their source: for its log, for a copy, and to ask how far it is."""
READER_ACCOUNT = "reader"
"""Of a read tier's clients."""
REPLICA_RIGHTS = ("BACKUP_ADMIN", "REPLICATION SLAVE")
"""For CLONE and for the log (the reference manual of MySQL 9.7); what a server has executed may be
read by anybody."""
READER_RIGHTS = ("SELECT",)


def mysql_plan(stack: Stack, node: str, pair: Pair) -> MysqlPlan | None:
    """MySQL on a node of a pair; none where it has none."""
    if pair.mysql is None:
        return None
    vip, name = pair.vips[pair.mysql.vip], member_name(stack, pair)
    own = pair.replication is not None
    mount_point = "/srv/mysql" if own else f"/srv/{pair.mysql.disk}"
    return MysqlPlan(
        data=f"{mount_point}/data",
        mount_point=mount_point,
        vip=vip.address,
        port=MYSQL_PORT,
        own_address=node_address(stack.networks[vip.network], stack.nodes[node]),
        database=pair.mysql.database,
        account=MYSQL_ACCOUNT,
        buffer_pool_mib=pair.mysql.buffer_pool_mib,
        clients=addresses(stack, clients_of(stack, name, "database"), vip.network),
        password=site_password(name),
        certificate=certificate_name(name),
        key=f"{name}-certificate-key",
        replicas=replicas(stack, name, vip.network),
        accounts=source_accounts(stack, name, pair.mysql.database, vip.network),
    )


def site_password(pair_name: str) -> str:
    """Name of the secret: the application's password in a pair's MySQL."""
    return f"{pair_name}-{MYSQL_ACCOUNT}"


def certificate_name(pair_name: str) -> str:
    """Name of the value that holds the certificate of a pair's MySQL."""
    return f"{pair_name}-certificate"


def read_tiers(stack: Stack, pair: str) -> dict[str, Tier]:
    """Tiers that follow a pair's MySQL, by name."""
    return {
        name: tier
        for name, tier in sorted(stack.tiers.items())
        if tier.read_tier is not None and tier.read_tier.of == pair
    }


def replicas(stack: Stack, pair: str, network: str) -> tuple[IPv4Address, ...]:
    """Addresses from which a pair's replicas come to its VIP, by node id."""
    nodes = [node for tier in read_tiers(stack, pair).values() for node in tier.nodes]
    return addresses(stack, sorted(nodes, key=lambda name: stack.nodes[name].id), network)


def source_accounts(
    stack: Stack, pair: str, database: str, network: str
) -> tuple[MysqlAccount, ...]:
    """Accounts that a pair's server has for its read tiers; replicas get them by its log."""
    found: list[MysqlAccount] = []
    for name, tier in read_tiers(stack, pair).items():
        assert tier.read_tier is not None
        found += [
            MysqlAccount(
                name=REPLICA_ACCOUNT,
                clients=tuple(str(one) for one in replicas(stack, pair, network)),
                scope="*",
                rights=REPLICA_RIGHTS,
                secret=replica_password(name),
            ),
            MysqlAccount(
                name=READER_ACCOUNT,
                clients=tuple(str(client) for client in tier.read_tier.clients),
                scope=database,
                rights=READER_RIGHTS,
                secret=reader_password(name),
            ),
        ]
    return tuple(found)


def replica_password(tier: str) -> str:
    """Name of the secret: by which a tier's replicas come to their source."""
    return f"{tier}-replication"


def reader_password(tier: str) -> str:
    """Name of the secret: of a tier's clients."""
    return f"{tier}-{READER_ACCOUNT}"
