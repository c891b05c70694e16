"""``drill``: prove on running machines that a pair survives what it was built for."""

from __future__ import annotations

import json
import secrets
import sys
import time

import click

from cli.checkout import Checkout, uses_lab
from cli.errors import EXIT_USAGE, CommandError
from cli.options import example, json_option, stack_argument
from cli.progress import say
from components.domain_xml import CONSOLE_LOG_SUFFIX
from drills import compare, evidence, kept, literal
from drills import soak as soaks
from drills import summary as summaries
from drills import table as tables
from drills.drill import Drill
from drills.invariants import Verdict, worst
from drills.result import EXIT_CODES, Result
from drills.run import run_drill
from drills.running import LiveStack
from drills.scenarios import DRILLS
from lab.fence import state_folder
from stacks.load import stack_names
from stacks.plan_types import Plan


@click.group(epilog=example("pairwise drill list nfs"))
def drill() -> None:
    """Faults that a stack must survive, brought about under load and judged from outside."""


@drill.command(name="list", epilog=example("pairwise drill list nfs"))
@stack_argument
@json_option
def drill_list(stack: str, as_json: bool) -> None:
    """The drills that apply to a stack, and how long each takes under emulation.

    Controls are there for a pair whose description has no fencing, or dopd alone.
    """
    plan = Checkout().plan(stack)
    found = applying(plan)
    if as_json:
        rows = [
            {
                "name": item.name,
                "seconds": item.seconds,
                "sentence": item.sentence,
                "control": item.is_control,
            }
            for item in found
        ]
        click.echo(json.dumps({"stack": stack, "drills": rows}, indent=1))
        return
    for item in found:
        click.echo(f"{item.name:22} {item.seconds:4} s  {item.sentence}")
    if not found:
        say(f"no drill applies to {stack}: it has no pair that holds data")


@drill.command(name="run", epilog=example("pairwise drill run nfs power-cut --repeat 5"))
@stack_argument
@click.argument("name")
@click.option("--repeat", type=click.IntRange(min=1), default=1, help="Run it so many times.")
@click.option(
    "--lasts",
    type=click.IntRange(min=1),
    metavar="SECONDS",
    help="How long the fault lasts, where that is a matter of choice (saturated).",
)
@click.option(
    "--resume", is_flag=True, help="Count the runs of this commit that this checkout has kept."
)
@json_option
def drill_run(
    stack: str, name: str, repeat: int, lasts: int | None, resume: bool, as_json: bool
) -> None:
    """Bring one fault about while clients write, and judge what was seen.

    A control is run on a pair without its safety, and passes when something breaks. Exit code: 0
    pass, 1 fail, 2 it could not be told, 3 usage. With --json a run is one line.
    """
    checkout = Checkout()
    plan = checkout.plan(stack)
    chosen = named(plan, name)
    if lasts is not None:
        chosen = lasting(chosen, lasts)
    live = live_stack(checkout, plan)
    found = kept_of_this_commit(stack, name) if resume else []
    left = range(min(len(found), repeat) + 1, repeat + 1)
    if resume:
        say(f"{name}: {len(found)} runs of this commit were kept, {len(left)} are left")
    say(f"{name}: {chosen.sentence} About {chosen.seconds * len(left)} s.")
    for number in left:
        result = run_drill(live, chosen, say=lambda text: say(f"{name}: {text}"))
        found.append(result.verdict)
        for reason in result.reasons:
            say(f"{name}: {reason}")
        line = json.dumps(result.as_json()) if as_json else f"{number}/{repeat} {result.line()}"
        click.echo(line)
    sys.exit(EXIT_CODES[worst(found)])


@drill.command(name="soak", epilog=example("pairwise drill soak duo --minutes 60 --seed 7"))
@stack_argument
@click.option(
    "--minutes", type=click.IntRange(min=1), default=60, help="No drill begins later (60)."
)
@click.option("--seed", type=int, default=None, help="Gives the order; else one is drawn.")
@json_option
def drill_soak(stack: str, minutes: int, seed: int | None, as_json: bool) -> None:
    """Bring drill after drill about, in an order that a seed gives, until one does not pass.

    The same seed gives the same order at the same commit. Controls are left out: they have to
    break. A run that does not pass ends the soak and leaves the stack as it is. Exit codes are
    those of `pairwise drill run`.
    """
    checkout = Checkout()
    plan = checkout.plan(stack)
    live = live_stack(checkout, plan)
    drills = soaks.suitable(applying(plan))
    if not drills:
        raise CommandError(f"No drill applies to {stack}: it has no pair that can lose anything.")
    chosen = secrets.randbelow(10_000) if seed is None else seed
    begun, stamp = time.monotonic(), evidence.stamp()
    names = ", ".join(item.name for item in soaks.expected(drills, chosen, minutes * 60))
    say(f"soak, seed {chosen}, {minutes} min: {names}")
    runs = []

    def run(item: Drill) -> Result:
        return run_drill(live, item, say=lambda text: say(f"{item.name}: {text}"))

    for result in soaks.soak(drills, seed=chosen, seconds=minutes * 60, run=run):
        runs.append(result)
        say(f"{(time.monotonic() - begun) / 60:.0f} of {minutes} min: {result.line()}")
        for reason in result.reasons:
            say(f"{result.drill}: {reason}")
    whole = soaks.Soak(
        stack=stack,
        seed=chosen,
        minutes=minutes,
        started=stamp,
        seconds=round(time.monotonic() - begun, 1),
        runs=tuple(runs),
        made_on=evidence.made_on(
            f"pairwise drill soak {stack} --minutes {minutes} --seed {chosen}"
        ),
    )
    folder = evidence.folder_of(stack, soaks.FOLDER, stamp)
    evidence.write_json(folder / evidence.VERDICT, whole.as_json())
    click.echo(json.dumps(whole.as_json()) if as_json else whole.line())
    sys.exit(EXIT_CODES[whole.verdict])


@drill.command(name="compare", epilog=example("pairwise drill compare nfs power-cut --repeat 5"))
@stack_argument
@click.argument("name")
@click.option("--repeat", type=click.IntRange(min=1), default=1, help="Run each so many times.")
@json_option
def drill_compare(stack: str, name: str, repeat: int, as_json: bool) -> None:
    """Run a drill with the stack's own times and with those of the document that it follows.

    Passes when ours pass and our median outage is at most 1.05 times the document's, or half of it
    after a process died or where a disk is taken over; where the document's times break something,
    when ours pass. The stack has its own times again at the end.
    """
    checkout = Checkout()
    plan = checkout.plan(stack)
    chosen = named(plan, name)
    if stack not in literal.LITERAL:
        known = ", ".join(literal.LITERAL)
        raise CommandError(
            f"No document's own times are known for {stack}: choose one of: {known}.",
            code=EXIT_USAGE,
        )
    live, theirs = live_stack(checkout, plan), literal.LITERAL[stack]
    stamp = evidence.stamp()
    say(f"{name}: twice about {chosen.seconds * repeat} s, and two restarts of Heartbeat")

    def runs(on: LiveStack, settings: str, told: str) -> tuple[Result, ...]:
        found = []
        for _ in range(repeat):
            found.append(
                run_drill(on, chosen, say=lambda text: say(f"{told}: {text}"), settings=settings)
            )
            say(f"{told}: {found[-1].line()}")
        return tuple(found)

    ours = runs(live, "", "ours")
    say(f"the times of document {theirs.document} come into force")
    with literal.as_written(live, theirs) as other:
        written = runs(other, theirs.document, f"document {theirs.document}")
    found = compare.Comparison(
        stack=stack,
        drill=name,
        literal=theirs,
        started=stamp,
        ours=ours,
        written=written,
        most=chosen.most,
        made_on=evidence.made_on(f"pairwise drill compare {stack} {name} --repeat {repeat}"),
    )
    folder = evidence.folder_of(stack, compare.FOLDER, stamp)
    evidence.write_json(folder / evidence.VERDICT, found.as_json())
    click.echo(json.dumps(found.as_json()) if as_json else found.line())
    sys.exit(EXIT_CODES[found.verdict])


@drill.command(name="summary", epilog=example("pairwise drill summary nfs"))
@stack_argument
def drill_summary(stack: str) -> None:
    """Write docs/evidence/drills-STACK.md from the verdicts of all runs that were kept.

    Those of this checkout are added to drills-STACK.jsonl beside it, which is to be committed.
    """
    checkout = Checkout()
    checkout.plan(stack)
    page = summaries.write(stack, DRILLS, checkout.root / "docs" / "evidence")
    if page is None:
        raise CommandError(f"No run of a drill of {stack} was kept: `pairwise drill list {stack}`.")
    click.echo(page.relative_to(checkout.root))


@drill.command(name="table", epilog=example("pairwise drill table"))
@click.option("--check", is_flag=True, help="Say what is still to be run, and end with 1 then.")
def drill_table(check: bool) -> None:
    """Write docs/evidence/drills.md: every drill on every stack, from the committed verdicts.

    With --check each drill that applies has to have passed once, five times where its fault is a
    power cut, a killed process, a freeze or a partition.
    """
    checkout = Checkout()
    folder = checkout.root / "docs" / "evidence"
    described = stack_names(checkout.descriptions)
    plans = {name: checkout.plan(name) for name in described}
    runs = {name: kept.read(folder, name) for name in kept.stacks(folder)}
    page = folder / "drills.md"
    page.write_text(tables.table(plans, runs, DRILLS), encoding="utf-8")
    click.echo(page.relative_to(checkout.root))
    short = tables.missing(plans, runs, DRILLS) if check else []
    for text in short:
        click.echo(text)
    sys.exit(1 if short else 0)


def live_stack(checkout: Checkout, plan: Plan) -> LiveStack:
    """The running machines of a stack, whose plugs may be pulled.

    Raises:
        CommandError: none of them is a lab's.
    """
    if not uses_lab(plan):
        raise CommandError(
            f"No machine of {plan.stack} is on the embedded hypervisor: drills pull plugs, and only"
            " of a lab's machines."
        )
    lab = checkout.lab
    return LiveStack(
        plan.stack,
        lab.netns,
        lab.uri,
        checkout.descriptions,
        fence=state_folder(checkout.paths),
        console=lambda machine: lab.machine_logs / f"{machine}{CONSOLE_LOG_SUFFIX}",
    )


def kept_of_this_commit(stack: str, name: str) -> list[Verdict]:
    """Verdicts of a drill's runs that this checkout has kept of the commit that it is at."""
    here = evidence.made_on("")["commit"]
    found = summaries.verdicts(evidence.FOLDER / stack, name)
    # What a modified tree was is not known afterwards.
    same = [run for run in found if run["made_on"]["commit"] == here and "dirty" not in here]
    return [Verdict(run["verdict"]) for run in same]


def applying(plan: Plan) -> list[Drill]:
    """The drills that a stack can be put through."""
    return [item for item in DRILLS if item.applies(plan)]


def named(plan: Plan, name: str) -> Drill:
    """A drill of a stack by its name.

    Raises:
        CommandError: there is none of that name, or it does not apply.
    """
    found = {item.name: item for item in applying(plan)}
    if name not in found:
        known = ", ".join(found) or "none"
        raise CommandError(
            f"Stack {plan.stack} has no drill named {name!r}: choose one of: {known}.",
            code=EXIT_USAGE,
        )
    return found[name]


def lasting(item: Drill, seconds: int) -> Drill:
    """A drill whose fault lasts so long.

    Raises:
        CommandError: how long that of this one lasts is no matter of choice.
    """
    if item.lasts_s is None:
        free = ", ".join(other.name for other in DRILLS if other.lasts_s is not None)
        raise CommandError(
            f"How long the fault of {item.name} lasts is part of what it proves: leave --lasts out,"
            f" it is for: {free}.",
            code=EXIT_USAGE,
        )
    return item.lasting(seconds)
