"""``fence``: what the nodes asked of the fence endpoint."""

from __future__ import annotations

import json

import click

from cli.checkout import Checkout, uses_lab
from cli.commands_pair import confirm
from cli.errors import CommandError
from cli.fence import entries, table
from cli.options import example, json_option, node_argument, stack_argument
from cli.progress import out_console, say
from lab.fence import state_folder


@click.group(epilog=example("pairwise fence log six"))
def fence() -> None:
    """How silent nodes of a pair are switched off."""


@fence.command(name="log", epilog=example("pairwise fence log six"))
@stack_argument
@json_option
def fence_log(stack: str, as_json: bool) -> None:
    """Each request to the fence endpoint: who asked for what, and what came of it."""
    checkout = Checkout()
    plan = checkout.plan(stack)
    if not uses_lab(plan):
        raise CommandError(
            f"No machine of {stack} is on the embedded hypervisor: read the file fence.log in the "
            "endpoint's state folder on its own one."
        )
    found = entries(state_folder(checkout.paths), plan)
    if as_json:
        click.echo(json.dumps({"stack": stack, "requests": found}, indent=1))
    elif found:
        out_console().print(table(found))
    else:
        say(f"no node of {stack} has asked the fence endpoint for anything")


@fence.command(name="confirm", epilog=example("pairwise fence confirm six data1"))
@stack_argument
@node_argument
def fence_confirm(stack: str, node: str) -> None:
    """Say that you have seen a node off: its peer, which waits for that, takes over."""
    confirm(stack, node)
