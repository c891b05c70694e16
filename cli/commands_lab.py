"""``doctor`` and ``lab``: this machine, and the embedded hypervisor."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict

import click
from rich.table import Table

from cli.checkout import Checkout
from cli.errors import EXIT_FAIL
from cli.memory import of_lab
from cli.options import example, json_option
from cli.progress import out_console, say
from lab.doctor import examine
from lab.setup import setup
from lab.steps import table as timings_table


@click.command(epilog=example("pairwise doctor"))
@json_option
def doctor(as_json: bool) -> None:
    """What this machine has and lacks, each with the command that mends it."""
    findings = examine(Checkout().root)
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in findings], indent=1))
    else:
        rows = Table("", "what", "found", "to do", box=None, pad_edge=False)
        for finding in findings:
            mark = "[green]ok[/]" if finding.ok else "[red]no[/]"
            rows.add_row(mark, finding.name, finding.found, finding.remedy)
        out_console().print(rows)
    if not all(finding.ok for finding in findings):
        sys.exit(EXIT_FAIL)


@click.group(epilog=example("pairwise lab up"))
def lab() -> None:
    """The embedded hypervisor of this checkout."""


@lab.command(name="up", epilog=example("pairwise lab up"))
def lab_up() -> None:
    """Start it, after the set-up steps that are not done; machines that it had come back."""
    checkout = Checkout()
    click.echo(timings_table(setup(checkout.root)), err=True)
    say(f"lab {checkout.lab.name} is up in namespace {checkout.lab.netns}")


@lab.command(name="down", epilog=example("pairwise lab down"))
def lab_down() -> None:
    """Remove it with every machine, volume, bridge, process and its namespace."""
    checkout = Checkout()
    checkout.lab.down()
    say(f"lab {checkout.lab.name} is down and nothing of it is left")


@lab.command(name="status", epilog=example("pairwise lab status --json"))
@json_option
def lab_status(as_json: bool) -> None:
    """Whether it runs, its machines, its forwards, and the memory of all its processes."""
    checkout = Checkout()
    found = asdict(checkout.lab.status())
    found["memory_mib"] = of_lab(checkout.lab.netns)
    if as_json:
        click.echo(json.dumps(found, indent=1))
        return
    rows = Table.grid(padding=(0, 2))
    for key, value in found.items():
        if isinstance(value, dict):
            value = ", ".join(f"{name}: {text}" for name, text in value.items()) or "none"
        rows.add_row(key, str(value))
    out_console().print(rows)
