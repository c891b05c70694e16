"""Which client writes to a group, and how: what a plan says about the workloads of a data pair."""

from __future__ import annotations

from dataclasses import dataclass

from drills.running import PAIRWISE, LiveStack
from drills.workloads import append, mysql_append
from drills.workloads.append import numbers
from stacks.plan_data_types import NfsPlan, ServiceGroup
from stacks.plan_types import NodePlan, Plan
from stacks.plan_web_types import DatabaseClient


class NoClientError(RuntimeError):
    """No machine of the stack uses a group: nothing could be said about its writes."""


@dataclass(frozen=True, kw_only=True)
class Writer:
    """The workload of one group, as shell texts."""

    group: str
    """Name of the group."""
    client: str
    """Node that writes."""
    clear: str
    """Run before, where ``clear_on_server`` says."""
    clear_on_server: bool
    """Whether the node that holds the group has to run it, and not the client."""
    write: str
    """Run on the client, until its connection ends."""
    read: str
    """Run on the node that holds the group; prints the numbers that are there."""

    def argv(self, stack: LiveStack) -> list[str]:
        """What runs the workload."""
        return [str(PAIRWISE), "exec", stack.name, self.client, "--", self.write]

    def prepare(self, stack: LiveStack, holder: str) -> None:
        """Remove what an earlier run has left."""
        stack.exec(holder if self.clear_on_server else self.client, self.clear)

    def found(self, stack: LiveStack, holder: str) -> list[int]:
        """The numbers that the group has, by the node that holds it."""
        return numbers(stack.exec(holder, self.read))


def writer_of(plan: Plan, pair: str, group: ServiceGroup) -> Writer:
    """The workload of a group of a pair.

    Raises:
        NoClientError: no machine of the stack uses it.
    """
    data = next(iter(plan.deploys[pair].nodes.values())).data
    for node in plan.nodes.values():
        for mount in node.mounts:
            if data is not None and data.nfs is not None and mount.server == group.vip:
                return _nfs(node, mount.mount_point, group, data.nfs)
        database = node.web.database if node.web is not None else None
        if database is not None and database.address == group.vip:
            return _mysql(node, database, group)
    raise NoClientError(
        f"No machine of {plan.stack} mounts or asks group {group.name} of pair {pair}: a drill of"
        " it needs a client in the description."
    )


def _nfs(client: NodePlan, folder: str, group: ServiceGroup, nfs: NfsPlan) -> Writer:
    return Writer(
        group=group.name,
        client=client.name,
        clear=append.clear_command(folder),
        clear_on_server=False,
        write=append.command(folder),
        read=append.read_command(nfs.export),
    )


def _mysql(client: NodePlan, database: DatabaseClient, group: ServiceGroup) -> Writer:
    return Writer(
        group=group.name,
        client=client.name,
        clear=mysql_append.clear_command(database.name),
        clear_on_server=True,
        write=mysql_append.command(),
        read=mysql_append.read_command(database.name),
    )
