"""``heal`` and ``repair``: two copies of a replicated disk that differ become one again."""

from __future__ import annotations

import sys

import click

from cli import copies, divergence
from cli.checkout import Checkout
from cli.commands_pair import data_node
from cli.divergence import Loss
from cli.engine import Engine
from cli.errors import EXIT_USAGE, CommandError
from cli.groups import PairOf
from cli.options import example, node_argument, stack_argument
from cli.progress import say
from cli.transport import Ssh
from stacks.plan_data_types import DrbdResource


def _agreed(question: str, *, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise CommandError(
            "Nobody can be asked whether that may be thrown away: add --yes; nothing was done.",
            code=EXIT_USAGE,
        )
    if not click.confirm(question, default=False, err=True):
        raise CommandError("Both copies stay as they are.")


def _losses(
    pair: PairOf, resources: tuple[DrbdResource, ...], *, loser: str, keeper: str, named: bool
) -> list[tuple[DrbdResource, Loss]]:
    """What each disk would lose; of all groups, those that are well are left out."""
    nodes, stack = pair.part.nodes, pair.part.stack
    found: list[tuple[DrbdResource, Loss]] = []
    well: list[str] = []
    for resource in resources:
        own, other = (copies.copy_of(pair, nodes[name], resource) for name in (loser, keeper))
        if not named and own.state.linked and other.state.linked:
            well.append(resource.name)
            continue
        own, other = (copies.with_time(pair, copy, resource) for copy in (own, other))
        found.append((resource, divergence.heal(resource.name, own, other, stack=stack)))
    if not found:
        raise CommandError(
            f"Pair {pair.part.deploy} has no split brain: {' and '.join(well)} are connected;"
            " nothing was done."
        )
    return found


def _pair_of(stack: str, node: str) -> tuple[PairOf, str]:
    """The data pair of a node, and its peer there."""
    checkout = Checkout()
    plan = checkout.plan(stack)
    found = data_node(plan, node)
    assert found.data is not None
    pair = PairOf(plan.slice(found.member), Ssh.of_stack(Engine(checkout, plan)))
    return pair, found.data.fence.peer


@click.command(epilog=example("pairwise heal nfs nfs2 --group nfs"))
@stack_argument
@node_argument
@click.option("--group", help="Only this group's disk; without it every one that has split.")
@click.option("--yes", is_flag=True, help="Do not ask; needed where nobody can be asked.")
def heal(stack: str, node: str, group: str | None, yes: bool) -> None:
    """End a split brain: throw away what NODE has written alone, and copy its peer's data."""
    pair, keeper = _pair_of(stack, node)
    resources = copies.chosen(pair, group)
    losses = _losses(pair, resources, loser=node, keeper=keeper, named=group is not None)
    for _, loss in losses:
        say(loss.sentence())
    _agreed(f"Throw away what {node} has written alone?", yes=yes)
    for resource, _ in losses:
        copies.discard(pair, resource, loser=node, keeper=keeper)
    kib = sum(loss.loser_kib + loss.keeper_kib for _, loss in losses)
    took_s = copies.until_same(pair, [resource for resource, _ in losses], say, kib=kib)
    say(f"both copies are the same after {took_s:.0f} s")


@click.command(epilog=example("pairwise repair nfs nfs2"))
@stack_argument
@node_argument
@click.option("--group", help="Only this group's disk; without it every one with differing blocks.")
def repair(stack: str, node: str, group: str | None) -> None:
    """Copy the blocks that a comparison found to differ to NODE, the backup, and nothing else."""
    pair, peer = _pair_of(stack, node)
    name = pair.part.deploy
    kib, wanted = 0, []
    nodes = [pair.part.nodes[name] for name in (node, peer)]
    resources = copies.chosen(pair, group)
    for resource in resources:
        own, other = (copies.copy_of(pair, one, resource) for one in nodes)
        if len(resources) > 1 and not own.state.oos_kib and not other.state.oos_kib:
            continue
        source, _ = divergence.repair(resource.name, own, other, stack=stack, pair=name)
        if source.node == node:
            raise CommandError(
                f"{resource.name} is Primary on {node}: the blocks of the backup are mended from"
                f" it, so name {peer}.",
                code=EXIT_USAGE,
            )
        kib += max(own.state.oos_kib, other.state.oos_kib)
        wanted.append(resource)
    if not wanted:
        raise CommandError(f"Pair {name} has no blocks that are known to differ: nothing was done.")
    say(f"{node} cannot take over while it gets up to {kib} KiB from {peer}")
    for resource in wanted:
        copies.reconnect(pair, resource, node=node)
    took_s = copies.until_same(pair, wanted, say, kib=kib)
    say(f"both copies are the same after {took_s:.0f} s; 0 KiB differ")
