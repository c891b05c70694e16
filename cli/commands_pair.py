"""``switchover`` and ``activate``: what a pair has, moved on purpose or against the rule."""

from __future__ import annotations

import click

from bootstrap.shared import pairs
from cli.checkout import Checkout, in_no_pair, node_of
from cli.engine import Engine
from cli.errors import EXIT_USAGE, CommandError
from cli.groups import ASK_S, PairOf, chosen, groups_of
from cli.gtid_move import SourceOf, has_source
from cli.machines import RUNNING, Machines
from cli.options import example, node_argument, stack_argument
from cli.progress import say
from cli.transport import Ssh
from cli.vip_move import VIPS, VipsOf, has_vips
from stacks.model_data import FencingDevice
from stacks.plan_gtid_types import SOURCE
from stacks.plan_types import DeployPlan, NodePlan, Plan

FORCE = """\
for name in {resources}; do
    case "$(drbdadm cstate $name) $(drbdadm role $name) $(drbdadm dstate $name)" in
    "WFConnection Secondary/Unknown Outdated/"*)
        drbdadm primary --force $name >/dev/null && echo "forced $name" ;;
    *" Inconsistent/"*) echo "inconsistent $name" ;;
    esac
done
"""
"""Shell text for a node: makes its outdated copies the newest ones, and names those not whole."""


def data_node(plan: Plan, name: str) -> NodePlan:
    """A node of a pair under Heartbeat.

    Raises:
        CommandError: there is none of that name, or it is in none.
    """
    node = node_of(plan, name)
    if node.data is None:
        raise in_no_pair(node, "under Heartbeat")
    return node


def fenced_node(plan: Plan, name: str) -> NodePlan:
    """A node of a pair that holds data, and whose peer fences it.

    Raises:
        CommandError: there is none of that name, or it is in none.
    """
    node = node_of(plan, name)
    if node.fence is None:
        raise in_no_pair(node, "that holds data")
    return node


@click.command(epilog=example("pairwise switchover six data/mysql --to data2"))
@stack_argument
@click.argument("pair", metavar="PAIR[/GROUP]")
@click.option("--to", "to", metavar="NODE", help="Who takes over; without it the other node.")
def switchover(stack: str, pair: str, to: str | None) -> None:
    """Move a pair's groups, or one of them, to a node without loss; the other node stands by."""
    checkout = Checkout()
    plan = checkout.plan(stack)
    name, _, group = pair.partition("/")
    part = movable_pair(plan, name)
    named = _node(part, to) if to else None
    wanted = chosen(part, group, movable(part))
    ssh = Ssh.of_stack(Engine(checkout, plan))
    of, source, vips = PairOf(part, ssh), SourceOf(part, ssh), VipsOf(part, ssh)
    groups = [item for item in groups_of(part) if item.name in wanted]
    holders = {SOURCE: source.holder()} if has_source(part) and SOURCE in wanted else {}
    holders |= {VIPS: vips.holder()} if VIPS in wanted else {}
    holders |= of.holders(groups) if groups else {}
    target = named or part.nodes[_other(part, holders)]
    moving = [name for name in holders if holders[name] != target.name]
    if not moving:
        say(f"{target.name} has {' and '.join(holders)} already")
        return
    under_heartbeat = [item for item in groups if item.name in moving]
    took_s = source.move(target, say) if has_source(part) and SOURCE in moving else 0.0
    took_s += vips.move(target, say) if VIPS in moving else 0.0
    if under_heartbeat:
        took_s += of.move(under_heartbeat, target, say)
    say(f"{' and '.join(moving)} moved to {target.name} in {took_s:.0f} s")


def movable_pair(plan: Plan, name: str) -> DeployPlan:
    """A pair of which something can be moved, by its name.

    Raises:
        CommandError: there is none of that name.
    """
    part = plan.deploys.get(name)
    keepalived = part.first.keepalived if part is not None else None
    if part is not None and not movable(part) and keepalived is not None:
        raise CommandError(
            f"Each VIP of pair {name} goes back to its preferred node by itself (mode "
            f"{keepalived.mode}): `pairwise stop {plan.stack} NODE` has the other node hold all.",
            code=EXIT_USAGE,
        )
    pairs_here = [key for key, part in plan.deploys.items() if movable(part)]
    if name not in pairs_here:
        known = f"choose one of: {', '.join(pairs_here)}" if pairs_here else "the stack has none"
        raise CommandError(
            f"{plan.stack} has no pair {name!r} with groups to move: {known}.", code=EXIT_USAGE
        )
    return plan.slice(name)


def movable(part: DeployPlan) -> tuple[str, ...]:
    """What of a pair can be moved: the source of a GTID pair, VIPs that stay where they are, and
    groups under Heartbeat."""
    own = [SOURCE] if has_source(part) else [VIPS] if has_vips(part) else []
    return (*own, *(group.name for group in groups_of(part)))


def _node(part: DeployPlan, name: str) -> NodePlan:
    """A node of the pair by its name.

    Raises:
        CommandError: the pair has none of that name.
    """
    if name not in part.nodes:
        raise CommandError(
            f"{name} is no node of pair {part.deploy}: choose one of: {', '.join(part.nodes)}.",
            code=EXIT_USAGE,
        )
    return part.nodes[name]


def _other(part: DeployPlan, holders: dict[str, str | None]) -> str:
    """The node that holds none of the groups.

    Raises:
        CommandError: each node holds some.
    """
    free = set(part.nodes) - set(holders.values())
    if len(free) != 1:
        where = ", ".join(f"{group} on {node or 'neither'}" for group, node in holders.items())
        raise CommandError(
            f"Which node of pair {part.deploy} is to take over does not follow from where its"
            f" groups are ({where}): add --to with one of: {', '.join(part.nodes)}.",
            code=EXIT_USAGE,
        )
    return free.pop()


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
    target = fenced_node(plan, node)
    assert target.fence is not None
    peer = target.fence.peer
    if not peer_is_dead:
        raise CommandError(
            f"{node} takes nothing over because it has not met {peer} since it booted: {peer} may "
            f"have newer data. Start {peer} if you can; if it is lost, add --peer-is-dead.",
            code=EXIT_USAGE,
        )
    _expect_off(checkout, plan, plan.nodes[peer])
    _write_word(checkout, plan, target, pairs.ACTIVATED, peer)
    _force_outdated(checkout, plan, target)
    waits = f", {target.data.heartbeat.initdead_s} s after its boot" if target.data else ""
    say(f"{node} takes over within some 15 s{waits} at the earliest: `pairwise status {stack}`")


def confirm(stack: str, node: str) -> None:
    """Tell the waiting peer of a node that a person has seen that node off."""
    checkout = Checkout()
    plan = checkout.plan(stack)
    dead = fenced_node(plan, node)
    assert dead.fence is not None
    waiting = plan.nodes[dead.fence.peer]
    assert waiting.fence is not None
    if FencingDevice.CONFIRM not in waiting.fence.devices:
        raise CommandError(
            f"{waiting.name} takes nobody's word for it that {node} is off: its pair's fencing is"
            f" {', '.join(waiting.fence.devices)}. Add confirm to that, and `pairwise up {stack}`."
        )
    _expect_off(checkout, plan, dead)
    _write_word(checkout, plan, waiting, pairs.CONFIRMED, node)
    say(f"{waiting.name} goes on as if {node} were off: see to it that it stays so")


def _expect_off(checkout: Checkout, plan: Plan, node: NodePlan) -> None:
    """A person may err; whether a machine runs its hypervisor knows, where that can be asked.

    Raises:
        CommandError: it runs.
    """
    if Machines(checkout, plan).state(node) == RUNNING:
        raise CommandError(
            f"Machine {node.machine} runs, says its hypervisor: two nodes would serve. Power it off"
            f" first (`pairwise stop {plan.stack} {node.name}`, or `virsh destroy` there), or wait"
            f" until it answers: `pairwise status {plan.stack}`."
        )


def _force_outdated(checkout: Checkout, plan: Plan, node: NodePlan) -> None:
    """Make a copy the newest one of which the node knows that its peer has written more.

    DRBD refuses such a copy even to a node whose peer is known to be off: it was outdated when its
    node was stopped in an orderly way. Once it is Primary Heartbeat, asked again by the monitor,
    takes the rest of the group.

    Raises:
        CommandError: a copy is not even whole.
    """
    names = [r.name for r in node.data.drbd.resources] if node.data is not None else []
    if not names:
        return
    output, _ = Ssh.of_stack(Engine(checkout, plan)).read(
        node, FORCE.format(resources=" ".join(names)), timeout_s=ASK_S
    )
    told = [line.split() for line in (output or "").splitlines()]
    for name in (words[1] for words in told if words[0] == "forced"):
        say(f"{name}: this copy was outdated, and is the newest one from now on")
    broken = [words[1] for words in told if words[0] == "inconsistent"]
    if broken:
        raise CommandError(
            f"The copy of {' and '.join(broken)} on {node.name} is not whole, as a copy that was"
            " cut off is not: it cannot be served; restore it from a backup, or find the other one."
        )


def _write_word(checkout: Checkout, plan: Plan, node: NodePlan, mark: str, word: str) -> None:
    """Leave a person's word on a node.

    Raises:
        CommandError: it gives no answer.
    """
    script = f"umask 022; printf '%s\\n' {word} >{mark}.new && mv {mark}.new {mark} && echo done\n"
    if mark == pairs.CONFIRMED and node.gtid is None and node.data and node.data.drbd.resources:
        script = f"[ -e {pairs.MET_PEER} ] || {{ echo stale; exit; }}; {script}"
    output, reason = Ssh.of_stack(Engine(checkout, plan)).read(node, script, timeout_s=ASK_S)
    if output is not None and "stale" in output:
        raise CommandError(
            f"{node.name} has not met {word} since it booted, and may have older data: start {word}"
            f" with `pairwise start {plan.stack} {word}`, or if it is lost,"
            f" `pairwise activate {plan.stack} {node.name} --peer-is-dead`."
        )
    if output is None or "done" not in output:
        raise CommandError(
            f"{node.name} could not be told ({reason or 'it gave no answer'}): look with "
            f"`pairwise status {plan.stack}`, then try again."
        )
