"""``switchover`` and ``activate``: a pair's groups, moved on purpose or against the rule."""

from __future__ import annotations

import click

from bootstrap.shared import pairs
from cli.checkout import Checkout, node_of
from cli.engine import Engine
from cli.errors import EXIT_USAGE, CommandError
from cli.groups import ASK_S, PairOf
from cli.options import example, node_argument, stack_argument
from cli.progress import say
from cli.transport import Ssh
from stacks.plan_types import NodePlan, Plan


def data_node(plan: Plan, name: str) -> NodePlan:
    """A node of a data pair.

    Raises:
        CommandError: there is none of that name, or it is in none.
    """
    node = node_of(plan, name)
    if node.data is None:
        raise CommandError(
            f"{name} is in no pair under Heartbeat: this command is about such pairs.",
            code=EXIT_USAGE,
        )
    return node


@click.command(epilog=example("pairwise switchover nfs nfs2"))
@stack_argument
@node_argument
@click.option("--group", help="Only this group; without it all that the other node holds.")
def switchover(stack: str, node: str, group: str | None) -> None:
    """Have a node take its pair's groups over, without loss; the other one stands by."""
    checkout = Checkout()
    plan = checkout.plan(stack)
    target = data_node(plan, node)
    pair = PairOf(plan.slice(target.member), Ssh.of_stack(Engine(checkout, plan)))
    known = {item.name: item for item in pair.data.groups}
    if group is not None and group not in known:
        raise CommandError(
            f"Pair {target.member} has no group {group!r}: choose one of: {', '.join(known)}.",
            code=EXIT_USAGE,
        )
    wanted = [known[group]] if group is not None else list(known.values())
    moving = [item for item in wanted if pair.holder(item) != target.name]
    if not moving:
        say(f"{node} has {' and '.join(item.name for item in wanted)} already")
        return
    took_s = pair.move(moving, target, say)
    say(f"{' and '.join(item.name for item in moving)} moved to {node} in {took_s:.0f} s")


@click.command(epilog=example("pairwise activate nfs nfs2 --peer-is-dead"))
@stack_argument
@node_argument
@click.option(
    "--peer-is-dead",
    is_flag=True,
    help="You have seen that the other node is off and will not come back by itself.",
)
def activate(stack: str, node: str, peer_is_dead: bool) -> None:
    """Let a node that has booted alone take over: what its peer wrote last may be lost."""
    checkout = Checkout()
    plan = checkout.plan(stack)
    target = data_node(plan, node)
    assert target.data is not None
    peer = target.data.fence.peer
    if not peer_is_dead:
        raise CommandError(
            f"{node} takes nothing over because it has not met {peer} since it booted: {peer} may "
            f"have newer data. Start {peer} if you can; if it is lost, add --peer-is-dead.",
            code=EXIT_USAGE,
        )
    _write_word(checkout, plan, target, pairs.ACTIVATED, peer)
    say(f"{node} takes over at Heartbeat's next try, within some 15 s: `pairwise status {stack}`")


def confirm(stack: str, node: str) -> None:
    """Tell the waiting peer of a node that a person has seen that node off."""
    checkout = Checkout()
    plan = checkout.plan(stack)
    dead = data_node(plan, node)
    assert dead.data is not None
    waiting = plan.nodes[dead.data.fence.peer]
    _write_word(checkout, plan, waiting, pairs.CONFIRMED, node)
    say(f"{waiting.name} goes on as if {node} were off: see to it that it stays so")


def _write_word(checkout: Checkout, plan: Plan, node: NodePlan, mark: str, word: str) -> None:
    """Leave a person's word on a node.

    Raises:
        CommandError: it gives no answer.
    """
    script = f"umask 022; printf '%s\\n' {word} >{mark}.new && mv {mark}.new {mark} && echo done\n"
    output, reason = Ssh.of_stack(Engine(checkout, plan)).read(node, script, timeout_s=ASK_S)
    if output is None or "done" not in output:
        raise CommandError(
            f"{node.name} could not be told ({reason or 'it gave no answer'}): look with "
            f"`pairwise status {plan.stack}`, then try again."
        )
