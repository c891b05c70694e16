"""MySQL servers that stand alone: what follows for them from a checked description."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network

from stacks.members import member_name
from stacks.model import Pair, Stack, Tier

ACCOUNT = "site"
"""Account of each server's clients."""
SERVERS_PER_NODE = 256
"""A node's servers are numbered within so many: a server_id is never used twice in a stack."""


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
    """Name of the secret: ``<tier>-<name>-site``."""
    certificate: str
    """Name of the value that holds the certificate of the tier's servers."""
    key: str
    """Name of the secret that holds the certificate's private key."""


def instance_plans(stack: Stack, node: str, member: Pair | Tier) -> tuple[InstancePlan, ...]:
    """The servers of a node, by name; none in a pair, whose server moves or is replicated."""
    if not isinstance(member, Tier):
        return ()
    tier = member_name(stack, member)
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


def instance_secrets(instances: tuple[InstancePlan, ...]) -> list[str]:
    """Names of what the templates of these servers hold and no plan may."""
    return [name for one in instances for name in (one.password, one.certificate, one.key)]
