"""Moves VIPs that keepalived leaves where they are: their holder takes no part for a while."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from cli.errors import CommandError
from cli.groups import look, tell
from cli.transport import Ssh
from cli.wait import wait_until
from stacks.model import VrrpMode
from stacks.plan_types import DeployPlan, NodePlan

VIPS = "vips"
"""What can be moved of a pair under keepalived, beside its groups under Heartbeat."""
MOVE_S = 60
"""keepalived says that it ends, and its peer takes the VIPs at once; it tells its notify script."""
STOP, START = "systemctl stop keepalived", "systemctl start keepalived"


def has_vips(part: DeployPlan) -> bool:
    """Whether keepalived holds VIPs of a Deploy for nobody else, and leaves them where they are.

    In modes single and dual each one goes back to its preferred node by itself; those of a GTID
    pair follow its source.
    """
    found = part.first.keepalived
    return found is not None and found.mode is VrrpMode.SYNC and part.first.gtid is None


@dataclass(frozen=True)
class VipsOf:
    """A pair under keepalived that answers."""

    part: DeployPlan
    ssh: Ssh

    def holder(self) -> str | None:
        """The node that has all VIPs; none while neither or both have them."""
        found = [name for name in self.part.nodes if self._is("MASTER", name)]
        return found[0] if len(found) == 1 else None

    def move(self, target: NodePlan, say: Callable[[str], None]) -> float:
        """Have a node take the VIPs; returns the seconds until it has them.

        Raises:
            CommandError: it is not fit to, or has not taken them in time.
        """
        peer = next(node for name, node in self.part.nodes.items() if name != target.name)
        if not self._is("BACKUP", target.name):
            raise CommandError(
                f"The VIPs cannot go to {target.name}: it does not stand by for them; nothing was "
                f"moved. `pairwise status {self.part.stack}` says more."
            )
        started = time.monotonic()
        say(f"keepalived of {peer.name} takes no part until {target.name} has the VIPs")
        try:
            # An answer that is late does not say that it was not stopped.
            tell(self.part, self.ssh, peer, STOP)
            if not wait_until(
                partial(self._is, "MASTER", target.name), timeout_s=MOVE_S, every_s=1
            ):
                raise CommandError(
                    f"{target.name} has not taken the VIPs after {MOVE_S} s: `pairwise exec "
                    f"{self.part.stack} {target.name} -- journalctl -u keepalived` says why."
                )
        finally:
            tell(self.part, self.ssh, peer, START)
        return time.monotonic() - started

    def _is(self, state: str, name: str) -> bool:
        """Whether a node is in one state for every VIP."""
        node = self.part.nodes[name]
        assert node.keepalived is not None
        seen = look(self.ssh, node).vrrp
        return all(seen.get(one.name) == state for one in node.keepalived.instances)
