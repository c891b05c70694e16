"""``render``, ``where`` and ``graph``: what follows from a description; no machine is needed."""

from __future__ import annotations

import json
from pathlib import Path

import click

from cli.checkout import Checkout, node_of
from cli.graph import mermaid
from cli.options import example, json_option, node_argument, stack_argument
from cli.progress import say
from cli.where import keys_of
from cli.where import where as find


@click.command(epilog=example("pairwise render six --out /tmp/six"))
@stack_argument
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write DIR/NODE/PATH instead of printing.",
)
def render(stack: str, out: Path | None) -> None:
    """Every file of every node, as `up` would write it; secrets are placeholders."""
    from bootstrap.deploy import render_all

    count = 0
    for node, files in render_all(Checkout().plan(stack)).items():
        for path, file in files.items():
            count += 1
            if out is None:
                click.echo(f"==> {node}:{path} ({file.mode:04o} {file.owner}:{file.group})")
                click.echo(file.content)
                continue
            target = out / node / path.lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(file.content, encoding="utf-8")
    if out is not None:
        say(f"wrote {count} files to {out}")


@click.command(epilog=example("pairwise where six lb1 keepalived.instances.0.priority"))
@stack_argument
@node_argument
@click.argument("key", required=False)
@json_option
def where(stack: str, node: str, key: str | None, as_json: bool) -> None:
    """A value of a node's plan and the rule that it came from; without KEY, the keys."""
    plan = Checkout().plan(stack)
    target = node_of(plan, node)
    if key is None:
        keys = keys_of(target)
        click.echo(json.dumps({"keys": keys}, indent=1) if as_json else "\n".join(keys))
        return
    found = find(plan, target, key)
    if as_json:
        shape = {"key": key, "value": found.value, "rule": found.rule, "source": found.source}
        click.echo(json.dumps(shape, indent=1))
        return
    click.echo(f"{node}.{key} = {json.dumps(found.value, indent=1 if found.keys else None)}")
    click.echo(f"rule: {found.rule}")
    if found.source:
        click.echo(f"from: {found.source}")
    if found.keys:
        click.echo(f"keys: {', '.join(found.keys)}")


@click.command(epilog=example("pairwise graph six > six.mmd"))
@stack_argument
def graph(stack: str) -> None:
    """The topology as a Mermaid diagram."""
    click.echo(mermaid(Checkout().plan(stack)), nl=False)
