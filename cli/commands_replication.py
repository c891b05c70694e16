"""``replication check`` and ``replication rebuild``: replicas, looked at and mended."""

from __future__ import annotations

import json
import sys
import time

import click

from bootstrap.shared import pairs
from cli import replication as conditions
from cli.checkout import Checkout, in_no_pair, node_of
from cli.engine import Engine
from cli.errors import EXIT_FAIL, EXIT_UNKNOWN, EXIT_USAGE, CommandError
from cli.gtid_move import has_source
from cli.options import example, json_option, node_argument, stack_argument
from cli.progress import out_console, say
from cli.status_replica import follows_of
from cli.transport import Ssh
from stacks.plan_types import NodePlan, Plan

ASK_S = 60
"""Each of seven questions has ten seconds on the node."""


@click.group(name="replication", epilog=example("pairwise replication check duo"))
def replication() -> None:
    """MySQL servers that replicate by GTID."""


@replication.command(name="check", epilog=example("pairwise replication check duo --json"))
@stack_argument
@json_option
def check(stack: str, as_json: bool) -> None:
    """Try each condition of the replication between two servers, by name.

    Exit code: 0 all hold, 1 one does not, 2 a server gave no answer.
    """
    checkout = Checkout()
    plan = checkout.plan(stack)
    found = {name: _look(checkout, plan, name) for name in _pairs(plan)}
    if as_json:
        shape = {
            name: [{"name": r.name, "passed": r.passed, "found": r.found} for r in results]
            for name, results in found.items()
        }
        click.echo(json.dumps({"stack": stack, "pairs": shape}, indent=1))
    else:
        for results in found.values():
            for result in results:
                mark = "holds" if result.passed else "FAILS"
                out_console().print(f"{mark}  {result.name}: {result.found}", highlight=False)
    results = [result for part in found.values() for result in part]
    if any(r.name == "both servers answer" and not r.passed for r in results):
        sys.exit(EXIT_UNKNOWN)
    if not all(result.passed for result in results):
        sys.exit(EXIT_FAIL)


def _pairs(plan: Plan) -> list[str]:
    names = [name for name, part in plan.deploys.items() if has_source(part)]
    if not names:
        raise CommandError(
            f"Stack {plan.stack} has no pair with key replication: there is nothing to look at.",
            code=EXIT_USAGE,
        )
    return names


def _look(checkout: Checkout, plan: Plan, pair: str) -> list[conditions.Result]:
    ssh = Ssh.of_stack(Engine(checkout, plan))
    nodes = plan.slice(pair).nodes
    answers = {}
    for name, node in sorted(nodes.items()):
        output, _ = ssh.read(node, conditions.script(), timeout_s=ASK_S)
        answer = conditions.parse(output or "", heard=time.time())
        if answer is not None:
            answers[name] = answer
    gtid = next(iter(nodes.values())).gtid
    assert gtid is not None
    return conditions.check(gtid, answers)


@replication.command(name="rebuild", epilog=example("pairwise replication rebuild duo server2"))
@stack_argument
@node_argument
def rebuild(stack: str, node: str) -> None:
    """Replace a replica's data by a copy of its source's; what only that node has is gone then."""
    checkout = Checkout()
    plan = checkout.plan(stack)
    target = node_of(plan, node)
    if follows_of(target) is not None:
        script = f"touch {pairs.READ_REBUILD} && echo done\n"
    else:
        target = gtid_node(plan, node)
        script = _unless_source()
    output, reason = Ssh.of_stack(Engine(checkout, plan)).read(target, script, timeout_s=20)
    if output is None or not output.strip():
        raise CommandError(
            f"{node} could not be told ({reason or 'it gave no answer'}): look with "
            f"`pairwise status {stack}`, then try again."
        )
    if "source" in output:
        raise CommandError(
            f"{node} is the source: it holds the data that others are copied from. "
            f"Name its peer, or switch over first."
        )
    say(f"{node} makes itself a copy of its source: `pairwise status {stack}` shows when it is one")


def _unless_source() -> str:
    """Shell text that asks a node's reconciler, unless the node is what others are copied from."""
    return (
        f"""if grep -q '"writable": true' {pairs.GTID}; then echo source; """
        f"""else touch {pairs.REBUILD} && echo done; fi\n"""
    )


def gtid_node(plan: Plan, name: str) -> NodePlan:
    """A node of a GTID pair.

    Raises:
        CommandError: there is none of that name, or it is in none.
    """
    node = node_of(plan, name)
    if node.gtid is None:
        raise in_no_pair(node, "with key replication")
    return node
