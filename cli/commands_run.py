"""``up``, ``preview`` and ``destroy``: thin over Pulumi."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import click

from cli import backend, preview_view
from cli.checkout import Checkout, uses_lab
from cli.comment import comment
from cli.display import follow
from cli.engine import Engine
from cli.errors import EXIT_FAIL, EXIT_USAGE, CommandError
from cli.events import Run, read
from cli.hidden import secrets_of_state
from cli.machines import Machines
from cli.options import example, json_option, stack_argument
from cli.placing import new_pairs, place
from cli.plan_warnings import warnings
from cli.preview import Preview, of_digest, unfinished
from cli.progress import err_console, out_console, say
from cli.ready import ensure_ready, lab_is_down, open_site
from cli.status import Status, gather
from cli.status_view import show
from cli.transport import Ssh
from cli.wait import wait_until
from lab.steps import StepError
from stacks.load import DescriptionError
from stacks.plan_types import Plan

SETTLE_S = 300
"""After an `up` balancers' VIPs return within seconds. A data pair that has just been made starts
its daemons for the first time, one group after the other, and a take-over that Heartbeat lost is
asked for again: seen to take 150 s under emulation."""
LOOK_EVERY_S = 5.0
"""A look is one login on each node: more of them would take the time that the daemons need."""
ENDED = "Pulumi ended before it had looked at everything."
"""For a preview that failed without a word in its document."""


@click.command(epilog=example("pairwise up six"))
@stack_argument
@click.option("--yes", is_flag=True, help="Accepted for scripts; `up` never asks.")
@click.option("--no-status", is_flag=True, help="Do not print the status at the end.")
def up(stack: str, yes: bool, no_status: bool) -> None:
    """Bring a stack to what its description says: machines first, then what runs on them.

    The description is checked before anything is touched. A run that was interrupted is finished
    by the next one.
    """
    del yes
    checkout = Checkout()
    plan = checkout.plan(stack)
    warn(plan)
    ensure_ready(checkout, plan)
    Machines(checkout, plan).check_none_is_paused()
    engine = Engine(checkout, plan)
    engine.prepare()
    engine.mend()
    refuse_when_locked(engine)
    say(f"bringing up {stack}; `pairwise preview {stack}` would have shown what changes")
    run = _run(engine, "up", "--yes", "--skip-preview")
    say(f"{stack}: {run.summary()}")
    if uses_lab(plan):
        open_site(checkout, plan)
    status = _settled(checkout, plan)
    new = new_pairs(plan, run.created)
    if status.healthy and new and place(new, Ssh.of_stack(engine), say):
        status = _settled(checkout, plan)
    if not no_status:
        show(status, out_console())


def _settled(checkout: Checkout, plan: Plan) -> Status:
    """The last look: healthy, unless the stack has not settled in time."""
    seen = [gather(checkout, plan)]

    def is_healthy() -> bool:
        seen[:] = [gather(checkout, plan)]
        return seen[0].healthy

    if not seen[0].healthy:
        say(f"waiting for {plan.stack} to settle, {SETTLE_S} s at most")
        wait_until(is_healthy, timeout_s=SETTLE_S, every_s=LOOK_EVERY_S)
    return seen[0]


def warn(plan: Plan) -> None:
    """Say what the description allows and is unsafe."""
    for sentence in warnings(plan):
        say(sentence)


def refuse_when_locked(engine: Engine) -> None:
    """Say who is at work, in place of the engine's longer text.

    Raises:
        CommandError: another run holds the stack.
    """
    for lock in backend.locks(engine.state, engine.stack):
        raise CommandError(
            f"Stack {engine.stack} is being changed by process {lock.pid} on {lock.host}: "
            "wait until it has ended, then run this again."
        )


def _run(engine: Engine, *arguments: str) -> Run:
    """Run the engine with its progress shown.

    Raises:
        CommandError: it failed or was ended.
    """
    with engine.running(*arguments, "--json", "--non-interactive") as process:
        assert process.stdout is not None
        run = follow(read(process.stdout), err_console())
    if process.returncode != 0:
        count = len(run.errors)
        why = f"{count} error{'s' if count != 1 else ''}, see above" if count else "see above"
        raise CommandError(
            f"`pairwise {arguments[0]} {engine.stack}` did not finish ({why}): mend what they "
            "say and run it again, it goes on from there."
        )
    return run


@click.command(epilog=example("pairwise preview six --diff"))
@stack_argument
@click.option("--diff", is_flag=True, help="Show the diff of each operation and property.")
@click.option("--markdown", is_flag=True, help="Write a comment for a pull request.")
@click.option("--offline", is_flag=True, help="Compare with the recorded state only: no SSH.")
@json_option
def preview(stack: str, diff: bool, markdown: bool, offline: bool, as_json: bool) -> None:
    """Show what `up` would change: resources, and on each running machine every operation.

    Nothing is changed. A file that was edited by hand shows up like any other change. A machine
    that cannot be reached is named, and its operations are listed as to be done.
    """
    if markdown and as_json:
        raise click.UsageError("--markdown and --json exclude each other: choose one.")
    try:
        engine = _previewer(stack, offline=offline)
    except (CommandError, DescriptionError, StepError) as error:
        # A pull request that breaks the description is told so where it is discussed.
        if markdown and getattr(error, "code", EXIT_FAIL) != EXIT_USAGE:
            click.echo(comment(unfinished(stack, str(error))), nl=False)
        raise
    found = _preview(engine)
    if markdown:
        click.echo(_comment(engine, found), nl=False)
    _refuse_when_unfinished(found)
    if as_json:
        click.echo(json.dumps(found.as_json(), indent=1))
    elif not markdown:
        preview_view.show(found, out_console(), diff=diff)


def _previewer(stack: str, *, offline: bool) -> Engine:
    """The engine, ready to look.

    Raises:
        CommandError, DescriptionError, StepError: something that it needs is not there.
    """
    checkout = Checkout()
    plan = checkout.plan(stack)
    warn(plan)
    if not offline:
        ensure_ready(checkout, plan)
    engine = Engine(checkout, plan, offline=offline)
    engine.prepare()
    engine.mend()
    return engine


def _preview(engine: Engine) -> Preview:
    """What the engine found, with `errors` where it did not get to the end."""
    say(f"previewing {engine.stack}")
    arguments = ["preview", "--json", "--non-interactive"]
    if engine.offline:
        # Pulumi.yaml has every run read what is there; offline only the recorded state counts.
        arguments.append("--refresh=false")
    with engine.running(*arguments) as process:
        assert process.stdout is not None
        text = process.stdout.read()
    try:
        found = of_digest(engine.stack, text, offline=engine.offline)
    except ValueError:
        found = of_digest(engine.stack, "{}", offline=engine.offline)
    if process.returncode == 0:
        return replace(found, errors=())
    return found if found.errors else replace(found, errors=(ENDED,))


def _refuse_when_unfinished(found: Preview) -> None:
    """Say what ended a preview.

    Raises:
        CommandError: it did not get to the end.
    """
    if not found.errors:
        return
    for message in found.messages:
        say(message)
    raise CommandError(
        f"The preview of {found.stack} failed (see above): mend what it says and run it again."
    )


def _comment(engine: Engine, found: Preview) -> str:
    """The comment, without any value that the stack's state or its passphrase file holds."""
    exported = engine.query("stack", "export", "--show-secrets")
    secrets = {**secrets_of_state(exported), "passphrase": engine.passphrase.read_text().strip()}
    names = sorted({node.hypervisor for node in engine.plan.nodes.values()})
    return comment(found, secrets=secrets, hypervisors=names)


@click.command(epilog=example("pairwise destroy six --yes"))
@stack_argument
@click.option("--yes", is_flag=True, help="Do not ask; needed where nobody can be asked.")
def destroy(stack: str, yes: bool) -> None:
    """Remove a stack's machines, networks and volumes; the lab itself stays."""
    checkout = Checkout()
    plan = checkout.plan(stack)
    if plan.protect_data:
        raise CommandError(
            f"Stack {stack} protects its data volumes: set `protect_data: false` in "
            f"{checkout.description(stack).name}, run `pairwise up {stack}`, then destroy it."
        )
    if not yes and not _asked(stack):
        raise CommandError(f"Stack {stack} stays as it is.")
    engine = Engine(checkout, plan)
    if not engine.exists():
        say(f"stack {stack} was never brought up in this checkout: there is nothing to destroy")
        return
    ensure_ready(checkout, plan)
    engine.prepare()
    engine.mend()
    refuse_when_locked(engine)
    run = _run(engine, "destroy", "--yes", "--skip-preview")
    engine.forget_credentials()
    say(f"{stack}: {run.summary()}")


def _asked(stack: str) -> bool:
    if not sys.stdin.isatty():
        raise CommandError(
            f"Nobody can be asked whether to destroy {stack}: add --yes.", code=EXIT_USAGE
        )
    text = f"Destroy every machine and volume of stack {stack}?"
    return click.confirm(text, default=False, err=True)


@click.command(epilog=example('pairwise shell six -c "pulumi stack export"'))
@stack_argument
@click.option("-c", "command", default=None, help="Run this instead of an interactive shell.")
def shell(stack: str, command: str | None) -> None:
    """A shell in which plain `pulumi up`, `preview` and `destroy` work on the stack."""
    checkout = Checkout()
    plan = checkout.plan(stack)
    engine = Engine(checkout, plan)
    engine.prepare()
    down = lab_is_down(checkout, plan)
    if down:
        say(down)
    argv = ["sh", "-c", command] if command is not None else [_login_shell()]
    if command is None:
        say(f"plain pulumi works on stack {stack} here; `exit` leaves")
    done = subprocess.run(argv, env=engine.environment(), cwd=checkout.root, check=False)
    sys.exit(done.returncode)


def _login_shell() -> str:
    import os

    return os.environ.get("SHELL") or "/bin/sh"
