"""``status`` and ``verify``: what a stack is like, and whether every block does what it should."""

from __future__ import annotations

import json
import sys

import click

from cli.checkout import Checkout
from cli.errors import EXIT_FAIL
from cli.options import example, json_option, stack_argument
from cli.progress import out_console, say
from cli.status import gather
from cli.status_view import show
from cli.verify import exit_code, run, show_results


@click.command(epilog=example("pairwise status six --json"))
@stack_argument
@json_option
def status(stack: str, as_json: bool) -> None:
    """A stack in one look: nodes, who holds which VIP, what clients get, what is wrong.

    Everything is read now and from outside; each problem comes with the command that mends it.
    The exit code is 0 for a healthy stack and 1 otherwise.
    """
    checkout = Checkout()
    found = gather(checkout, checkout.plan(stack))
    if as_json:
        click.echo(json.dumps(found.as_json(), indent=1))
    else:
        show(found, out_console())
    if not found.healthy:
        sys.exit(EXIT_FAIL)


@click.command(epilog=example("pairwise verify six"))
@stack_argument
@json_option
def verify(stack: str, as_json: bool) -> None:
    """Try every check of every block on every node.

    Exit code: 0 all hold, 1 one fails, 2 it could not be told (a node was not reached).
    """
    checkout = Checkout()
    plan = checkout.plan(stack)
    say(f"verifying {stack}")
    results = run(checkout, plan)
    if as_json:
        shape = {"stack": stack, "nodes": [result.as_json() for result in results]}
        click.echo(json.dumps(shape, indent=1))
    else:
        show_results(results, out_console())
    sys.exit(exit_code(results))
