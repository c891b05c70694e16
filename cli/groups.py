"""Moves groups of a Heartbeat pair by Heartbeat's own requests, and watches them arrive."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from cli import status_read
from cli.errors import EXIT_USAGE, CommandError
from cli.status_groups import holds
from cli.status_read import NodeAnswer
from cli.transport import Ssh
from cli.wait import wait_until
from stacks.plan_data_types import DataPlan, DrbdResource, ServiceGroup
from stacks.plan_types import DeployPlan, NodePlan

TAKE_OVER = "/usr/share/heartbeat/hb_takeover"
"""Heartbeat's own program: asks for groups; it gives up and takes in the order of haresources."""
MOVE_S = 180
"""A switchover takes some 20 s under emulation; a stop that hangs ends the node after ten tries."""
ASK_S = 20
"""Deadline of one look at a node."""


def groups_of(part: DeployPlan) -> tuple[ServiceGroup, ...]:
    """A pair's groups under Heartbeat; none for any other Deploy."""
    data = part.first.data
    return data.groups if data is not None else ()


def look(ssh: Ssh, node: NodePlan) -> NodeAnswer:
    """What a node says."""
    output, reason = ssh.read(node, status_read.script(()), timeout_s=ASK_S)
    if output is None:
        return NodeAnswer(reachable=False, reason=reason)
    return status_read.parse(output)


def tell(part: DeployPlan, ssh: Ssh, node: NodePlan, command: str) -> None:
    """Run a command on a node.

    Raises:
        CommandError: it gives no answer, or the command failed.
    """
    output, reason = ssh.read(node, f"{command} && echo done\n", timeout_s=ASK_S)
    if output is None or "done" not in output:
        raise CommandError(
            f"{node.name} could not be told ({reason or 'it gave no answer'}): "
            f"`pairwise exec {part.stack} {node.name} -- {command}` does it by hand."
        )


@dataclass(frozen=True)
class PairOf:
    """A data pair that answers."""

    part: DeployPlan
    ssh: Ssh

    @property
    def data(self) -> DataPlan:
        """What both nodes share.

        Raises:
            CommandError: the pair holds no data.
        """
        found = self.part.first.data
        if found is None:
            raise CommandError(
                f"Pair {self.part.deploy} has no groups under Heartbeat: nothing can be switched."
            )
        return found

    def look(self, node: NodePlan) -> NodeAnswer:
        """What a node says."""
        return look(self.ssh, node)

    def holders(self, groups: Sequence[ServiceGroup]) -> dict[str, str | None]:
        """By one look at each node: the one that has all of a group, by the group's name; none
        while none or both have it."""
        answers = {name: self.look(node) for name, node in self.part.nodes.items()}
        found: dict[str, str | None] = {}
        for group in groups:
            resource = self._resource(group)
            having = [name for name, answer in answers.items() if holds(group, resource, answer)]
            found[group.name] = having[0] if len(having) == 1 else None
        return found

    def chosen(self, group: str) -> list[ServiceGroup]:
        """The group of that name; all for an empty one.

        Raises:
            CommandError: the pair has none of that name.
        """
        known = {item.name: item for item in self.data.groups}
        return [known[name] for name in chosen(self.part, group, known)]

    def _resource(self, group: ServiceGroup) -> DrbdResource | None:
        return self.data.resource_of(group) if group.disk is not None else None

    def _is_at(self, group: ServiceGroup, node: str) -> bool:
        return self.holders([group])[group.name] == node

    def is_ready(self, group: ServiceGroup, target: NodePlan) -> str:
        """Why a node cannot take a group now; empty when it can."""
        answer = self.look(target)
        if not answer.reachable:
            return f"{target.name} gives no answer ({answer.reason})"
        resource = self._resource(group)
        if resource is None:
            return ""
        state = answer.drbd.get(resource.minor)
        if state is None or not state.linked or state.disk != "UpToDate":
            found = "not attached" if state is None else f"{state.cs}, {state.disk}"
            return f"resource {resource.name} on {target.name} is {found}"
        return ""

    def move(
        self, groups: list[ServiceGroup], target: NodePlan, say: Callable[[str], None]
    ) -> float:
        """Have a node take groups over; returns the seconds until it has all of each.

        Raises:
            CommandError: one cannot be taken, or was not taken in time.
        """
        for group in groups:
            reason = self.is_ready(group, target)
            if reason:
                raise CommandError(
                    f"Group {group.name} cannot go to {target.name}: {reason}; nothing was moved. "
                    f"`pairwise status {self.part.stack}` says more."
                )
        started = time.monotonic()
        for which in sorted({_word(group, target) for group in groups}):
            say(f"asking {target.name} to take {which} groups over")
            output, reason = self.ssh.read(target, f"{TAKE_OVER} {which}\n", timeout_s=ASK_S)
            if output is None:
                raise CommandError(
                    f"{target.name} could not be asked ({reason}): look with "
                    f"`pairwise status {self.part.stack}`, then try again."
                )
            # One after the other: Heartbeat releases all that it was asked for before it takes the
            # first of them, and each group would be away for as long as both take.
            for group in groups:
                if _word(group, target) == which:
                    self._wait_for(group, target, say)
        return time.monotonic() - started

    def _wait_for(self, group: ServiceGroup, target: NodePlan, say: Callable[[str], None]) -> None:
        arrived = partial(self._is_at, group, target.name)
        if not wait_until(arrived, timeout_s=MOVE_S, every_s=1):
            raise CommandError(
                f"Group {group.name} is not on {target.name} after {MOVE_S} s: `pairwise exec "
                f"{self.part.stack} {target.name} -- journalctl -u heartbeat` says why."
            )
        say(f"{target.name} has group {group.name}")


def chosen(part: DeployPlan, group: str, known: Iterable[str]) -> tuple[str, ...]:
    """The name of that group; all for an empty one.

    Raises:
        CommandError: it is none of those that are known.
    """
    names = tuple(known)
    if group and group not in names:
        raise CommandError(
            f"Pair {part.deploy} has no group {group!r}: choose one of: {', '.join(names)}.",
            code=EXIT_USAGE,
        )
    return (group,) if group else names


def _word(group: ServiceGroup, target: NodePlan) -> str:
    """Word of hb_takeover: local are the groups that prefer the target, foreign all others."""
    return "local" if group.prefers == target.name else "foreign"
