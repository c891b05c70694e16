"""The first placement of a pair's groups: each is where it is preferred when the pair is new.

Heartbeat of the node that is configured first waits for its peer for the dead time of a start, two
minutes. On a slow hypervisor the peer needs longer: its first data are being made. It then begins
with every group, and nothing fails back by itself. Of a pair that exists, groups are never moved.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping

from cli.groups import PairOf, groups_of
from cli.transport import Ssh
from stacks.plan_data_types import DataPlan, ServiceGroup
from stacks.plan_types import DeployPlan, Plan


def new_pairs(plan: Plan, created: Collection[str]) -> list[DeployPlan]:
    """Pairs with groups whose ``Deploy`` resource (``components.build``) a run has created."""
    return [
        part
        for name, part in plan.deploys.items()
        if f"{name}-deploy" in created and groups_of(part)
    ]


def misplaced(
    data: DataPlan, holders: Mapping[str, str | None]
) -> list[tuple[str, list[ServiceGroup]]]:
    """Node, and the groups that prefer it and are with its peer."""
    found: dict[str, list[ServiceGroup]] = {}
    for group in data.groups:
        if holders.get(group.name) not in {None, group.prefers}:
            found.setdefault(group.prefers, []).append(group)
    return list(found.items())


def place(pairs: Iterable[DeployPlan], ssh: Ssh, say: Callable[[str], None]) -> bool:
    """Move the groups of pairs to where they are preferred; whether any had to be moved.

    Raises:
        CommandError: a group did not arrive.
    """
    moved = False
    for part in pairs:
        of = PairOf(part, ssh)
        for node, groups in misplaced(of.data, of.holders(of.data.groups)):
            of.move(groups, part.nodes[node], say)
            moved = True
    return moved
