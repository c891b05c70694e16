"""Addresses, identities and neighbours: the small rules that both plan and firewall follow."""

from __future__ import annotations

import math
from ipaddress import IPv4Address

from stacks.model import Network, NetworkMode, Node, Pair, Stack, Tier

HTTP_PORT = 80
"""Port of the sites on balancers and web machines (IANA: http)."""
PHP_PORT = 9000
"""Port of php-fpm where the nginx of a pair asks both nodes (php-fpm's own default)."""
SESSION_PORT = 11211
"""Port of the memcacheds that hold the sessions (IANA: memcache)."""
STATUS_PORT = 8080
"""Port of nginx's own health answer and stub_status, on 127.0.0.1 only."""
HEALTH_PATH = "/healthz"
"""Path that a node's own nginx answers itself, whatever its upstream does."""

METADATA_IDS = 128
"""Where the numbers of metadata disks begin in identities of volumes."""
OUTDATE_PORT = 7787
"""Where a node of a data pair is asked to outdate its copies: next to DRBD's own ports."""
DRBD_PORT = 7788
"""Port of the first replicated disk (the documents'); each further one has the next."""
HEARTBEAT_PORT = 694
"""Port of Heartbeat's packets (IANA: ha-cluster)."""
MYSQL_PORT = 3306
"""Port of MySQL (IANA: mysql)."""
SPLIT_WRITE_PORT, SPLIT_READ_PORT = 3316, 3317
"""Ports of the splitter on 127.0.0.1; MySQL's own may be taken by a server on the same node."""
SPLIT_ROUTER_PORT = 3315
"""Port of MySQL Router there, in front of those two."""
SPLIT_AGENT_PORT = 3318
"""Where a node of a GTID pair tells splitters what it is good for."""
SPLIT_METADATA_PORT = 3319
"""Where Router asks for its metadata last: at either server."""
READ_AGENT_PORT = 3320
"""Where a node of a read tier tells directors whether its replica may be read from."""
READ_AGENT_PATH, READ_AGENT_WORDS = "/replica", "replica_is_current"
"""What they ask there, and a word that no other answer holds."""
LVS_SYNC_PORT = 8848
"""UDP: connections from the active director, the kernel's default (ip_vs_sync.c)."""
NFS_PORT = 2049
"""Port of NFS; version 4 needs no other (IANA: nfs)."""
RPCBIND_PORT = 111
"""Where version 3 asks for the ports of the others (IANA: sunrpc)."""
STATD_PORT, LOCKD_PORT, MOUNTD_PORT = 32765, 32766, 32767
"""Ports of version 3's daemons, which choose one at random else: the last three below those that
Linux gives to outgoing connections (ip(7), ip_local_port_range)."""
FENCE_PORT = 8022
"""Port of the fence endpoint at the hypervisor's address (``lab.fence.PORT``)."""
FENCE_USER = "root"
"""User of the endpoint: its forced command, chosen by the key, is all that it may run."""

LAB_PORT = 8025
"""Port of the lab's own HTTP server, at the hypervisor's address (``lab.server.PORT``)."""
LAB_NOTIFY_PATH = "/notify"
"""Path at which it receives notifications (``lab.server.NOTIFY_PATH``)."""


def node_address(network: Network, node: Node) -> IPv4Address:
    """Network base plus the node's id."""
    return network.cidr.network_address + node.id


def gateway_address(network: Network) -> IPv4Address:
    """The hypervisor's own address: the first one."""
    return network.cidr.network_address + 1


def mac_address(*, stack: int, network: int, node: int) -> str:
    """``52:54:00`` is the prefix of QEMU's own cards; the rest are our ids."""
    return f"52:54:00:{stack:02x}:{network:02x}:{node:02x}"


def volume_wwn(*, stack: int, disk: int, node: int) -> str:
    """A 64-bit NAA-5 identifier: company id 0 (no vendor has it), then our ids."""
    return f"50000000{stack:02x}{disk:02x}{node:04x}"


def metadata_wwn(*, stack: int, disk: int, node: int) -> str:
    """The same for a disk's external metadata: ids of disks end at 99, theirs begin at 128."""
    return volume_wwn(stack=stack, disk=METADATA_IDS + disk, node=node)


def metadata_mib(size_mib: int) -> int:
    """Size of the external metadata of a disk with one peer, in whole MiB.

    DRBD 8.4 user's guide, "Estimating meta data size", in sectors of 512 bytes: 8 for each 2^18 of
    the disk, and 72 for superblock and activity log.
    """
    sectors = 8 * math.ceil(size_mib * 2048 / 2**18) + 72
    return math.ceil(sectors / 2048)


def bridge_name(*, stack: int, network: str) -> str:
    """Name of a network's bridge, unique on a hypervisor."""
    return f"pw{stack}-{network}"


def member_of(stack: Stack, node: str) -> tuple[str, Pair | Tier]:
    """Name and description of the pair or tier that a node belongs to."""
    return next((name, m) for name, m in stack.members().items() if node in m.nodes)


def shared_network(stack: Stack, one: str, other: str) -> str:
    """First network of ``one`` that ``other`` is in too, management left out."""
    theirs = set(stack.nodes[other].networks) - {stack.management}
    return next(name for name in stack.nodes[one].networks if name in theirs)


def session_network(stack: Stack, member: Pair | Tier) -> str:
    """First network its nodes share, an isolated one before others, management left out."""
    shared = set.intersection(*(set(stack.nodes[name].networks) for name in member.nodes))
    first = stack.nodes[member.nodes[0]].networks
    names = [name for name in first if name in shared - {stack.management}]
    return min(names, key=lambda name: stack.networks[name].mode is not NetworkMode.ISOLATED)


def session_addresses(stack: Stack, member: Pair | Tier) -> dict[str, IPv4Address]:
    """Its nodes' addresses in that network, in the order of their ids."""
    network = stack.networks[session_network(stack, member)]
    by_id = sorted(member.nodes, key=lambda name: stack.nodes[name].id)
    return {name: node_address(network, stack.nodes[name]) for name in by_id}


def shares_php(member: Pair | Tier) -> bool:
    """Document 003: in a pair, who has the VIP serves what is static, and both nodes' PHP the rest.
    Balancers choose a tier's machine."""
    return isinstance(member, Pair)


def balancers_of(stack: Stack, member_name: str) -> list[str]:
    """Nodes that balance requests over a pair or tier, by id."""
    names = [
        node
        for pair in stack.pairs.values()
        if pair.balancer is not None and pair.balancer.upstream == member_name
        for node in pair.nodes
    ]
    return sorted(names, key=lambda name: stack.nodes[name].id)
