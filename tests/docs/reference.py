"""The reference pages: blocks, components, the description, the plan and the commands.

``make docs`` writes them; a test compares them with the docstrings that they come from.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import click

from bootstrap.roles import ORDER
from cli.main import SECTIONS, pairwise
from tests.docs.source import (
    ROOT,
    Definition,
    Entry,
    cell,
    classes,
    code_cell,
    constants,
    docstring,
    markdown,
    tree,
)

FOLDER = ROOT / "docs" / "reference"
HEADER = re.compile(r"\{#\s*dest:\s*(?P<dest>.*?)\s+block:", re.DOTALL)
"""First words of a template: where on the node it is written."""
RESOURCES = frozenset({"ComponentResource", "CustomResource"})


def page(title: str, *lines: str, source: str) -> str:
    """A whole page with its heading and where it comes from."""
    note = f"Written by `make docs` from {source}; edit it there."
    text = "\n".join([f"# {title}", "", note, "", *lines])
    return re.sub(r"\n{3,}", "\n\n", text).rstrip("\n") + "\n"


def table(entries: tuple[Entry, ...] | list[Entry], *heads: str) -> list[str]:
    """Fields as a table; columns without any content are left out."""
    columns: dict[str, Callable[[Entry], str]] = {
        heads[0]: lambda entry: code_cell(entry.name),
        "type": lambda entry: code_cell(entry.kind),
        heads[1]: lambda entry: code_cell(entry.value),
        heads[2]: lambda entry: cell(entry.text),
    }
    used = {head: show for head, show in columns.items() if any(map(show, entries))}
    if not used:
        return []
    rows = [[show(entry) for show in used.values()] for entry in entries]
    lines = [list(used), ["---"] * len(used), *rows]
    return [*(f"| {' | '.join(line)} |" for line in lines), ""]


def blocks() -> str:
    """Every block, in the order in which a node gets them."""
    lines = [
        "A block is one piece of software on a node: its files, units and checks. A node gets the",
        "blocks of its roles in this order; `bootstrap/roles.py` says why.",
        "",
    ]
    for row in ORDER:
        folder = ROOT / "bootstrap" / "blocks" / row.block.NAME
        module = tree(folder / "deploy.py")
        lines += [f"## {row.block.NAME}", "", *markdown(docstring(module)), *_templates(folder)]
        known = constants(module)
        if known:
            lines += ["Values:", "", *table(known, "constant", "value", "why")]
    return page("Blocks", *lines, source="`bootstrap/blocks/*/deploy.py`")


def _templates(folder: Path) -> Iterator[str]:
    found = []
    for template in sorted(folder.glob("templates/**/*.j2")):
        match = HEADER.search(template.read_text(encoding="utf-8"))
        if match:
            name = template.relative_to(folder).as_posix()
            found.append(f"| {code_cell(match['dest'])} | `{name}` |")
    if found:
        yield from (
            "Templates:",
            "",
            "| file on the node | template |",
            "| --- | --- |",
            *found,
            "",
        )


def components() -> str:
    """Every component and resource class."""
    lines = [
        "What the program is made of; [plain-pulumi.md](../how-to/plain-pulumi.md) uses some.",
        "",
    ]
    for path in sorted((ROOT / "components").glob("*.py")):
        module = tree(path)
        found = classes(module)
        resources = [d for d in found if RESOURCES & set(d.bases)]
        if not resources or path.name.startswith("_"):
            continue
        names = ", ".join(d.name for d in resources)
        lines += [f"## {names}", "", f"`components/{path.name}`", "", *markdown(docstring(module))]
        for definition in found:
            if definition.name.endswith(("Args", "Spec", "Host")) or definition in resources:
                lines += _definition(definition, level=3)
    return page("Components", *lines, source="`components/*.py`")


def _definition(definition: Definition, *, level: int) -> list[str]:
    if not definition.entries:
        return []
    is_enum = "StrEnum" in definition.bases
    heads = ("value", "written", "meaning") if is_enum else ("field", "default", "meaning")
    heading = f"{'#' * level} {definition.name}"
    return [heading, "", *markdown(definition.text), *table(definition.entries, *heads)]


def description() -> str:
    """What a person may write in a stack's file."""
    lines = [
        "The file `stacks/Pulumi.STACK.yaml` holds one `Stack` under `config: pairwise:stack`.",
        "Unknown keys are errors. A field without a default must be given.",
        "",
    ]
    found = _classes_of("stacks/model*.py")
    for definition in sorted(found, key=lambda d: d.name != "Stack"):
        lines += _definition(definition, level=2)
    return page("The description of a stack", *lines, source="`stacks/model.py`")


def plan() -> str:
    """What follows from a description."""
    lines = [*markdown(docstring(tree(ROOT / "stacks" / "plan_types.py")))]
    lines += ["`pairwise where STACK NODE [KEY]` prints a value of a node with its rule.", ""]
    for definition in _classes_of("stacks/plan*_types.py"):
        lines += _definition(definition, level=2)
    return page("The plan", *lines, source="`stacks/plan*_types.py`")


def _classes_of(pattern: str) -> list[Definition]:
    """The classes of several modules, so that splitting one loses none of them."""
    return [d for path in sorted(ROOT.glob(pattern)) for d in classes(tree(path))]


def commands() -> str:
    """Every command with its options and its example."""
    lines = [*markdown(pairwise.help or ""), "`./pairwise` in the checkout runs them.", ""]
    for section, members in SECTIONS.items():
        lines += [f"## {section}", ""]
        for command in members:
            lines += _command(command, f"pairwise {command.name}")
    return page("Commands", *lines, source="the help texts in `cli/`")


def _command(command: click.Command, path: str) -> list[str]:
    context = click.Context(command, info_name=path)
    usage = " ".join(
        piece for piece in command.collect_usage_pieces(context) if piece != "[OPTIONS]"
    )
    lines = [f"### {path}", "", f"`{path} {usage}`".replace(" `", "`"), ""]
    lines += markdown(command.help or "")
    options = [p.get_help_record(context) for p in command.params]
    rows = [f"| `{name}` | {cell(text)} |" for name, text in filter(None, options)]
    if rows:
        lines += ["| option | meaning |", "| --- | --- |", *rows, ""]
    sample = (command.epilog or "").partition("Example:\n")[2].strip()
    if sample:
        lines += ["```console", f"$ {sample}", "```", ""]
    if isinstance(command, click.Group):
        for name, below in sorted(command.commands.items()):
            lines += _command(below, f"{path} {name}")
    return lines


PAGES: dict[str, Callable[[], str]] = {
    "blocks": blocks,
    "commands": commands,
    "components": components,
    "description": description,
    "plan": plan,
}
"""Name of each page and what writes it."""
