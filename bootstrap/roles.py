"""Which blocks make a node what it is, in which order.

One ordered table. A block comes after those that it needs; the comments say where that is not
obvious. Adding a block is one folder in ``blocks/`` and one line here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, cast

from bootstrap.blocks.base import deploy as base
from bootstrap.blocks.keepalived import deploy as keepalived
from bootstrap.blocks.nginx_lb import deploy as nginx_lb
from bootstrap.blocks.nginx_web import deploy as nginx_web
from bootstrap.blocks.notify import deploy as notify
from bootstrap.checks import Check
from bootstrap.managed import Manifest
from bootstrap.site import Site
from stacks.model import Role
from stacks.plan_types import DeployPlan, NodePlan


class Block(Protocol):
    """What every ``blocks/<block>/deploy.py`` has."""

    NAME: str

    def manifest(self, node: NodePlan, plan: DeployPlan) -> Manifest:
        """All that the block owns on a node."""

    def install(self, site: Site) -> None:
        """Phase one."""

    def configure(self, site: Site) -> None:
        """Phase two."""

    def activate(self, site: Site) -> None:
        """Phase three."""

    def checks(self, node: NodePlan, plan: DeployPlan) -> tuple[Check, ...]:
        """What ``pairwise verify`` tries."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One block and the nodes that it is for."""

    block: Block
    """The module."""
    when: Callable[[NodePlan], bool]
    """Whether a node has it."""


def _row(block: object, when: Callable[[NodePlan], bool]) -> Row:
    return Row(block=cast(Block, block), when=when)


ORDER = (
    # First everywhere: firewall and SSH are closed before anything listens, and the user that
    # keepalived's checks run as exists before keepalived judges its configuration.
    _row(base, lambda _: True),
    # Before every block that has something to tell: keepalived refuses a script that is not there.
    _row(notify, lambda node: node.notify is not None),
    _row(nginx_lb, lambda node: Role.LB in node.roles),
    _row(nginx_web, lambda node: Role.WEB in node.roles),
    # After nginx: a first health check that fails would give the VIPs away again. Not bound to a
    # role: any pair may have VIPs under keepalived; without nginx there is nothing to check yet,
    # so it comes with the block of the service that it watches.
    _row(
        keepalived,
        lambda node: node.keepalived is not None and bool({Role.LB, Role.WEB} & set(node.roles)),
    ),
    # mysql, nfs, director, real_server, client: their blocks come with later issues; until then
    # such a node has the base.
)


def blocks_of(node: NodePlan) -> tuple[Block, ...]:
    """The blocks of a node, in order."""
    return tuple(row.block for row in ORDER if row.when(node))
