"""``ssh``, ``exec``, ``console``, ``start`` and ``stop``: one machine."""

from __future__ import annotations

import os
import subprocess
import sys

import click

from cli.checkout import Checkout, node_of
from cli.engine import Engine
from cli.errors import CommandError
from cli.fence import clear_mark
from cli.machines import GONE, Machines
from cli.options import example, node_argument, stack_argument
from cli.progress import say
from cli.transport import SSH_FAILED, Ssh
from cli.wait import wait_until

BOOT_S = 300
"""A machine boots in about 50 s under emulation, several at once in three minutes."""
ANSWER_S = 15
"""Deadline of one attempt to reach a booting machine."""


def _ssh(stack: str) -> Ssh:
    checkout = Checkout()
    return Ssh.of_stack(Engine(checkout, checkout.plan(stack)))


@click.command(epilog=example("pairwise ssh six lb1"))
@stack_argument
@node_argument
def ssh(stack: str, node: str) -> None:
    """Log in to a node as root."""
    way = _ssh(stack)
    argv = way.argv(node_of(way.plan, node))
    os.execvp(argv[0], argv)


@click.command(name="exec", epilog=example("pairwise exec six lb1 -- systemctl status nginx"))
@stack_argument
@node_argument
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def execute(stack: str, node: str, command: tuple[str, ...]) -> None:
    """Run a shell command on a node; its exit code becomes ours."""
    way = _ssh(stack)
    target = node_of(way.plan, node)
    done = subprocess.run(way.argv(target, *command), check=False)
    if done.returncode == SSH_FAILED:
        say(
            f"no connection to {node} at {target.management_address}, or the command itself "
            f"ended with {SSH_FAILED}: `pairwise status {stack}` says whether it answers"
        )
    sys.exit(done.returncode)


@click.command(epilog=example("pairwise console six lb1"))
@stack_argument
@node_argument
def console(stack: str, node: str) -> None:
    """The serial console of a node; Ctrl-] leaves it."""
    checkout = Checkout()
    plan = checkout.plan(stack)
    target = node_of(plan, node)
    machines = Machines(checkout, plan)
    if machines.state(target) == GONE:
        raise CommandError(
            f"Machine {target.machine} does not exist: `pairwise up {stack}` makes it."
        )
    argv = ["virsh", "--connect", checkout.uri(plan, target), "console", target.machine]
    os.execvp(argv[0], argv)


@click.command(epilog=example("pairwise start six lb1"))
@stack_argument
@node_argument
def start(stack: str, node: str) -> None:
    """Start a node's machine and wait until it answers on SSH."""
    checkout = Checkout()
    plan = checkout.plan(stack)
    target = node_of(plan, node)
    # Before the start: it is the one command that gives a node back its say about its peer.
    if clear_mark(checkout, plan, target):
        say(f"{node} was switched off by its peer; from now on its requests count again")
    was_off = Machines(checkout, plan).start(target)
    say(f"{node} {'starts' if was_off else 'runs already'}; waiting for SSH")
    way = Ssh.of_stack(Engine(checkout, plan))
    seen = ["it was not asked"]

    def answers() -> bool:
        output, reason = way.read(target, "true", timeout_s=ANSWER_S)
        seen[0] = reason
        return output is not None

    if not wait_until(answers, timeout_s=BOOT_S, every_s=2):
        raise CommandError(
            f"{node} gave no answer on SSH within {BOOT_S} s (last: {seen[0]}): "
            f"`pairwise console {stack} {node}` shows its console."
        )
    say(f"{node} answers")


@click.command(epilog=example("pairwise stop six lb1"))
@stack_argument
@node_argument
def stop(stack: str, node: str) -> None:
    """Shut a node's machine down; by force after a minute, or five where it has data to give up."""
    checkout = Checkout()
    plan = checkout.plan(stack)
    target = node_of(plan, node)
    say(f"stopping {node}")
    say(f"{node} {Machines(checkout, plan).stop(target)}")
