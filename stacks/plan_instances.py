"""MySQL servers of tiers, alone or replicas: what follows for them from a checked description."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from stacks.addressing import MYSQL_PORT, READ_AGENT_PORT, node_address
from stacks.members import member_name
from stacks.model import Pair, Stack, Tier
from stacks.plan_lvs import real_server_plan
from stacks.plan_mysql import READER_ACCOUNT, REPLICA_ACCOUNT, certificate_name, replica_password

ACCOUNT = "site"
"""Account of each server's clients."""
SERVERS_PER_NODE = 256
"""A node's servers are numbered within so many: a server_id is never used twice in a stack."""


READ_NAME = "read"
"""Of the server that a read tier has on each node."""


@dataclass(frozen=True, kw_only=True)
class FollowPlan:
    """What a replica follows, and whom it tells how it is."""

    pair: str
    """From the description."""
    source: IPv4Address
    """VIP of the pair's MySQL."""
    port: int
    """Port there."""
    account: str
    """``pairwise_read_tier``."""
    password: str
    """Name of the secret: its password."""
    certificate: str
    """Name of the value that holds the only certificate that is believed."""
    own_address: IPv4Address
    """Address by which this node comes to its source."""
    max_lag_s: float
    """From the description."""
    agent_addresses: tuple[IPv4Address, ...]
    """This node's addresses at which directors ask about its replica."""
    agent_port: int
    """3320."""


@dataclass(frozen=True, kw_only=True)
class InstancePlan:
    """One MySQL server on a node."""

    name: str
    """Key in the description; instance name of the systemd unit."""
    port: int
    """From the description."""
    server_id: int
    """256 times the node's id, plus its place among the node's servers by name."""
    folder: str
    """``/srv/mysql/<name>``: its data and nothing else."""
    socket: str
    """``/run/pairwise-mysql-<name>/mysqld.sock``."""
    database: str
    """From the description."""
    account: str
    """``site``."""
    clients: tuple[IPv4Network, ...]
    """From the description."""
    buffer_pool_mib: int
    """From the description."""
    connections: int
    """From the description."""
    password: str
    """Name of the secret: ``<tier>-<name>-site``; empty for a replica, whose accounts are its
    source's."""
    certificate: str
    """Name of the value that holds the certificate of the tier's servers."""
    key: str
    """Name of the secret that holds the certificate's private key."""
    follows: FollowPlan | None = None
    """For a replica of a read tier."""

    @property
    def secrets(self) -> tuple[str, ...]:
        """Names of what its templates hold and no plan may."""
        found = [self.password] if self.password else []
        if self.follows is not None:
            found += [self.follows.password, self.follows.certificate]
        return (*found, self.certificate, self.key)


def instance_plans(stack: Stack, node: str, member: Pair | Tier) -> tuple[InstancePlan, ...]:
    """The servers of a node, by name; none in a pair, whose server moves or is replicated."""
    if not isinstance(member, Tier):
        return ()
    tier = member_name(stack, member)
    return (*_alone(stack, node, tier, member), *_replica(stack, node, tier, member))


def _alone(stack: Stack, node: str, tier: str, member: Tier) -> tuple[InstancePlan, ...]:
    own = sorted(name for name, instance in member.instances.items() if instance.node == node)
    return tuple(
        InstancePlan(
            name=name,
            port=member.instances[name].port,
            server_id=SERVERS_PER_NODE * stack.nodes[node].id + place,
            folder=f"/srv/mysql/{name}",
            socket=f"/run/pairwise-mysql-{name}/mysqld.sock",
            database=member.instances[name].database,
            account=ACCOUNT,
            clients=member.instances[name].clients,
            buffer_pool_mib=member.instances[name].buffer_pool_mib,
            connections=member.instances[name].connections,
            password=f"{tier}-{name}-{ACCOUNT}",
            certificate=f"{tier}-certificate",
            key=f"{tier}-certificate-key",
        )
        for place, name in enumerate(own)
    )


def _replica(stack: Stack, node: str, tier: str, member: Tier) -> tuple[InstancePlan, ...]:
    settings = member.read_tier
    if settings is None:
        return ()
    pair = stack.pairs[settings.of]
    assert pair.mysql is not None
    vip = pair.vips[pair.mysql.vip]
    return (
        InstancePlan(
            name=READ_NAME,
            port=settings.port,
            # After those that stand alone, which are numbered from the beginning.
            server_id=SERVERS_PER_NODE * stack.nodes[node].id + SERVERS_PER_NODE - 1,
            folder=f"/srv/mysql/{READ_NAME}",
            socket=f"/run/pairwise-mysql-{READ_NAME}/mysqld.sock",
            database=pair.mysql.database,
            account=READER_ACCOUNT,
            clients=settings.clients,
            buffer_pool_mib=settings.buffer_pool_mib,
            connections=settings.connections,
            password="",
            certificate=f"{tier}-certificate",
            key=f"{tier}-certificate-key",
            follows=FollowPlan(
                pair=settings.of,
                source=vip.address,
                port=MYSQL_PORT,
                account=REPLICA_ACCOUNT,
                password=replica_password(tier),
                certificate=certificate_name(settings.of),
                own_address=node_address(stack.networks[vip.network], stack.nodes[node]),
                max_lag_s=settings.max_lag_s,
                agent_addresses=_asked_at(stack, node),
                agent_port=READ_AGENT_PORT,
            ),
        ),
    )


def _asked_at(stack: Stack, node: str) -> tuple[IPv4Address, ...]:
    plan = real_server_plan(stack, node)
    asked = [vip.interface for vip in plan.vips if vip.asked] if plan is not None else []
    return tuple(
        node_address(stack.networks[network], stack.nodes[node]) for network in dict.fromkeys(asked)
    )


def instance_secrets(instances: tuple[InstancePlan, ...]) -> list[str]:
    """Names of what the templates of these servers hold and no plan may."""
    return [name for one in instances for name in one.secrets]
