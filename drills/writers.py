"""Which client writes to a group, and how: what a plan says about the workloads of a pair."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from drills.running import LiveStack
from drills.subject import Group, Source
from drills.workloads import append, local_append, mysql_append
from drills.workloads.append import numbers
from drills.workloads.joint import writing
from drills.workloads.recorder import Writes, recording
from stacks.plan_nfs_types import NfsPlan
from stacks.plan_types import NodePlan, Plan
from stacks.plan_web_types import DatabaseClient


class NoClientError(RuntimeError):
    """No machine of the stack uses a group: nothing could be said about its writes."""


@dataclass(frozen=True, kw_only=True)
class Writer:
    """The workload of one group, as shell texts."""

    group: str
    """Name of the group."""
    clients: tuple[str, ...]
    """Nodes that write; several are numbered apart, and may go and come back."""
    clear: str
    """Run before, where ``clear_on_server`` says."""
    clear_on_server: bool
    """Whether the node that holds the group has to run it, and not the client."""
    write: str
    """Run on the client, until its connection ends; several get ``{first}`` and ``{step}``."""
    read: str
    """Run on the node that holds the group; prints the numbers that are there."""

    @contextmanager
    def recording(self, stack: LiveStack) -> Iterator[Writes]:
        """Have the clients write for as long as the block lasts."""
        if len(self.clients) == 1:
            with recording(stack.program(self.clients[0], self.write)) as recorder:
                yield recorder
            return
        programs = [partial(self._numbered, stack, client) for client in self.clients]
        with writing(programs) as joint:
            yield joint

    def _numbered(self, stack: LiveStack, client: str, first: int, step: int) -> list[str]:
        text = self.write.replace("{first}", str(first)).replace("{step}", str(step))
        return stack.program(client, text)

    def prepare(self, stack: LiveStack, holder: str) -> None:
        """Remove what an earlier run has left."""
        stack.exec(holder if self.clear_on_server else self.clients[0], self.clear)

    def found(self, stack: LiveStack, holder: str) -> list[int]:
        """The numbers that the group has, by the node that holds it."""
        return numbers(stack.exec(holder, self.read))


def writer_of(plan: Plan, pair: str, group: Group) -> Writer:
    """The workload of a group of a pair.

    The source of a GTID pair that no machine asks is written to on both its nodes.

    Raises:
        NoClientError: no machine of the stack uses it.
    """
    data = plan.deploys[pair].first.data
    for node in plan.nodes.values():
        for mount in node.mounts:
            if data is not None and data.nfs is not None and mount.server == group.vip:
                return _nfs(node, mount.mount_point, group, data.nfs)
        database = node.web.database if node.web is not None else None
        # A machine of the pair itself may be the one that the drill powers off.
        if database is not None and database.vip == group.vip and node.member != pair:
            return _mysql(node, database, group)
    if isinstance(group, Source):
        return _local(plan, pair, group)
    raise NoClientError(
        f"No machine of {plan.stack} mounts or asks group {group.name} of pair {pair}: a drill of"
        " it needs a client in the description."
    )


def _nfs(client: NodePlan, folder: str, group: Group, nfs: NfsPlan) -> Writer:
    return Writer(
        group=group.name,
        clients=(client.name,),
        clear=append.clear_command(folder),
        clear_on_server=False,
        write=append.command(folder),
        read=append.read_command(nfs.export),
    )


def _mysql(client: NodePlan, database: DatabaseClient, group: Group) -> Writer:
    return Writer(
        group=group.name,
        clients=(client.name,),
        clear=mysql_append.clear_command(database.name),
        clear_on_server=True,
        write=mysql_append.command(),
        read=mysql_append.read_command(database.name),
    )


def _local(plan: Plan, pair: str, group: Group) -> Writer:
    nodes = plan.deploys[pair].nodes
    gtid = next(iter(nodes.values())).gtid
    assert gtid is not None
    database = gtid.mysql.database
    return Writer(
        group=group.name,
        clients=tuple(sorted(nodes)),
        clear=mysql_append.clear_command(database),
        clear_on_server=True,
        write=local_append.command(database, group.vip),
        read=mysql_append.read_command(database),
    )
