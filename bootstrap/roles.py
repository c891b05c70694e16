"""Which blocks make a node what it is, in which order.

One ordered table. A block comes after those that it needs; the comments say where that is not
obvious. Adding a block is one folder in ``blocks/`` and one line here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, cast

from bootstrap import phases
from bootstrap.blocks.base import deploy as base
from bootstrap.blocks.drbd import deploy as drbd
from bootstrap.blocks.fencing import deploy as fencing
from bootstrap.blocks.gtid_pair import deploy as gtid_pair
from bootstrap.blocks.heartbeat import deploy as heartbeat
from bootstrap.blocks.keepalived import deploy as keepalived
from bootstrap.blocks.ldirectord import deploy as ldirectord
from bootstrap.blocks.lvs import deploy as lvs
from bootstrap.blocks.lvs_real_server import deploy as lvs_real_server
from bootstrap.blocks.memcached import deploy as memcached
from bootstrap.blocks.monitor import deploy as monitor
from bootstrap.blocks.mysql import deploy as mysql
from bootstrap.blocks.mysql import gtid as mysql_gtid
from bootstrap.blocks.mysql import instances as mysql_instances
from bootstrap.blocks.nfs import deploy as nfs
from bootstrap.blocks.nfs_client import deploy as nfs_client
from bootstrap.blocks.nginx_lb import deploy as nginx_lb
from bootstrap.blocks.notify import deploy as notify
from bootstrap.blocks.php_web import deploy as php_web
from bootstrap.blocks.read_replica import deploy as read_replica
from bootstrap.blocks.rw_split import deploy as rw_split
from bootstrap.blocks.rw_split_agent import deploy as rw_split_agent
from bootstrap.checks import Check
from bootstrap.managed import Manifest
from bootstrap.site import Site, ensure_active, ensure_configured, ensure_installed
from stacks.model import Role
from stacks.plan_lvs_types import Checker
from stacks.plan_types import DeployPlan, NodePlan


class Block(Protocol):
    """What every ``blocks/<block>/deploy.py`` has.

    A function ``install``, ``configure`` or ``activate`` of its own takes the place of the usual
    one (``phase_function``) where a block has an order of its own.
    """

    NAME: str

    def manifest(self, node: NodePlan, plan: DeployPlan) -> Manifest:
        """All that the block owns on a node."""

    def checks(self, node: NodePlan, plan: DeployPlan) -> tuple[Check, ...]:
        """What ``pairwise verify`` tries."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One block and the nodes that it is for."""

    block: Block
    """The module."""
    when: Callable[[NodePlan], bool]
    """Whether a node has it."""


def _looks(node: NodePlan, checker: Checker) -> bool:
    """Whether a daemon looks at real servers from a node."""
    director = node.director
    return director is not None and bool(director.probed) and director.checker is checker


def _row(block: object, when: Callable[[NodePlan], bool]) -> Row:
    return Row(block=cast(Block, block), when=when)


ORDER = (
    # First everywhere: firewall and SSH are closed before anything listens, and the user that
    # keepalived's checks run as exists before keepalived judges its configuration.
    _row(base, lambda _: True),
    # Before every block that has something to tell: keepalived refuses a script that is not there.
    _row(notify, lambda node: node.notify is not None),
    _row(nginx_lb, lambda node: Role.LB in node.roles),
    # Before PHP: its first session finds both places.
    _row(memcached, lambda node: Role.WEB in node.roles),
    # Before PHP: its first page finds the way to the database.
    _row(rw_split, lambda node: node.split is not None),
    # Before what listens at the VIPs.
    _row(lvs_real_server, lambda node: node.real_server is not None),
    _row(php_web, lambda node: Role.WEB in node.roles),
    # The table, before what fills it, and before what moves the VIP that it stands behind.
    _row(lvs, lambda node: node.director is not None),
    _row(ldirectord, lambda node: _looks(node, Checker.LDIRECTORD)),
    # After nginx: a first health check that fails would give the VIPs away again. Not bound to a
    # role: any pair may have VIPs under keepalived; without nginx there is nothing to check yet,
    # so it comes with the block of the service that it watches.
    _row(
        keepalived,
        lambda node: (
            node.keepalived is not None
            and (
                bool({Role.LB, Role.WEB} & set(node.roles))
                or node.gtid is not None
                or (node.director is not None and node.director.checker is Checker.KEEPALIVED)
            )
        ),
    ),
    # Its disks are attached while it is configured: the file systems come with heartbeat.
    _row(drbd, lambda node: node.data is not None and bool(node.data.drbd.resources)),
    # DRBD's handler, before anything is Primary.
    _row(fencing, lambda node: node.fence is not None),
    _row(mysql, lambda node: node.data is not None and node.data.mysql is not None),
    _row(mysql_instances, lambda node: bool(node.instances)),
    # After the server that it has follow.
    _row(read_replica, lambda node: any(one.follows is not None for one in node.instances)),
    _row(mysql_gtid, lambda node: node.gtid is not None),
    # After the server that it looks at, and what it fences with.
    _row(gtid_pair, lambda node: node.gtid is not None),
    # After the reconciler, whose words it passes on.
    _row(rw_split_agent, lambda node: node.gtid is not None and node.gtid.split is not None),
    _row(nfs, lambda node: node.data is not None and node.data.nfs is not None),
    # After the daemons of its groups: it makes their first data with their hooks, then starts them.
    _row(heartbeat, lambda node: node.data is not None),
    # Last: it acts on what the others have started.
    _row(monitor, lambda node: node.data is not None),
    _row(nfs_client, lambda node: bool(node.mounts)),
)


USUAL: dict[str, Callable[[Site], None]] = {
    phases.INSTALL: ensure_installed,
    phases.CONFIGURE: ensure_configured,
    phases.ACTIVATE: ensure_active,
}
"""What each phase does in a block that does not say otherwise: bring about its manifest."""


def phase_function(block: Block, phase: str) -> Callable[[Site], None]:
    """A phase of a block: its own function of that name, else the usual one."""
    own: Callable[[Site], None] = getattr(block, phase, USUAL[phase])
    return own


def blocks_of(node: NodePlan) -> tuple[Block, ...]:
    """The blocks of a node, in order."""
    return tuple(row.block for row in ORDER if row.when(node))
