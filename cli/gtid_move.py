"""Moves the source of a GTID pair: its reconciler is told to give up, and the VIPs follow."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from bootstrap.shared import pairs
from cli.errors import CommandError
from cli.groups import look, tell
from cli.status_read import NodeAnswer
from cli.transport import Ssh
from cli.wait import wait_until
from stacks.plan_types import DeployPlan, NodePlan

MOVE_S = 120
"""VRRP needs an advert, the reconcilers some ten looks; emulated machines take longer."""


def has_source(part: DeployPlan) -> bool:
    """Whether a Deploy is a GTID pair."""
    return any(node.gtid is not None for node in part.nodes.values())


@dataclass(frozen=True)
class SourceOf:
    """The source of a GTID pair that answers."""

    part: DeployPlan
    ssh: Ssh

    def holder(self) -> str | None:
        """The node that is source; none while none or both say so."""
        found = [
            name
            for name, node in self.part.nodes.items()
            if look(self.ssh, node).gtid.get("role") == "source"
        ]
        return found[0] if len(found) == 1 else None

    def move(self, target: NodePlan, say: Callable[[str], None]) -> float:
        """Make a node the source, without loss; returns the seconds it took.

        Raises:
            CommandError: it cannot be now, or was not in time.
        """
        assert target.gtid is not None
        peer = self.part.nodes[target.gtid.peer]
        _refuse(self.part, target, peer, look(self.ssh, target), look(self.ssh, peer))
        started = time.monotonic()
        say(f"asking {peer.name} to leave it to {target.name} to be source")
        tell(self.part, self.ssh, peer, f"touch {pairs.STANDBY}")
        try:
            arrived = partial(_has_all, self.ssh, target, peer)
            if not wait_until(arrived, timeout_s=MOVE_S, every_s=1):
                raise CommandError(
                    f"{target.name} is not source after {MOVE_S} s: `pairwise status "
                    f"{self.part.stack}` says what is so, and `pairwise exec {self.part.stack} "
                    f"{target.name} -- journalctl -u pairwise-gtid` why."
                )
        finally:
            tell(self.part, self.ssh, peer, f"rm -f {pairs.STANDBY}")
        return time.monotonic() - started


def _refuse(
    part: DeployPlan, target: NodePlan, peer: NodePlan, here: NodeAnswer, there: NodeAnswer
) -> None:
    reason = ""
    for node, answer in ((target, here), (peer, there)):
        if not answer.reachable:
            reason = f"{node.name} gives no answer ({answer.reason})"
    if not reason and here.gtid.get("role") != "replica":
        reason = f"{target.name} is {here.gtid.get('role', 'silent')}, not a replica"
    elif not reason and not here.gtid["current"]:
        reason = f"{target.name} has not caught up"
    if reason:
        raise CommandError(
            f"The source cannot go to {target.name}: {reason}; nothing was moved. "
            f"`pairwise status {part.stack}` says more."
        )


def _has_all(ssh: Ssh, target: NodePlan, peer: NodePlan) -> bool:
    """Source here, and the other one follows: only then may it hold a VIP again."""
    here, there = look(ssh, target).gtid, look(ssh, peer).gtid
    return here.get("role") == "source" and bool(there.get("source") == target.name)
