"""A preview for a terminal, and as a comment for a pull request."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from cli.preview import Preview, Resource, headline, label, sign

STYLES = {"+": "green", "-": "red", "~": "yellow", "+-": "magenta", "@": "cyan"}
FENCE = "```"
MAX_COMMENT = 60_000
"""GitHub refuses comments of more than 65 536 characters."""


def show(preview: Preview, console: Console, *, diff: bool) -> None:
    """Print changed resources, then the operations of each host."""
    for resource in preview.changed:
        mark = sign(resource)
        console.print(Text(f"{mark:>2} {label(resource)}", style=STYLES.get(mark, "")))
        if diff:
            for key, value in resource.changed.items():
                console.print(Text(f"     {key}: {value}".rstrip(": ")), soft_wrap=True)
    for host, operations in preview.hosts.items():
        console.print(Text(f"{host}: {len(operations)} to do", style="bold"))
        for name, text in operations.items():
            first, *rest = text.splitlines() or [""]
            tail = f" ({first})" if not rest else ""
            console.print(Text(f"   ~ {name}{tail}"), soft_wrap=True)
            if diff and rest:
                for line in (first, *rest):
                    console.print(Text(f"     {line}", style=STYLES.get(line[:1], "")))
    for message in preview.messages:
        console.print(Text(message, style="yellow"), soft_wrap=True)
    console.print(Text(headline(preview), style="bold"))


def markdown(preview: Preview) -> str:
    """A comment: the headline, then resources and hosts with their diffs folded."""
    lines = [f"### Pairwise preview of `{preview.stack}`", "", headline(preview), ""]
    if preview.changed:
        count = len(preview.changed)
        lines += ["<details>", f"<summary>Resources ({count})</summary>", "", f"{FENCE}diff"]
        lines += [line for resource in preview.changed for line in _resource_lines(resource)]
        lines += [FENCE, "", "</details>", ""]
    for host, operations in preview.hosts.items():
        lines += _host_lines(host, operations)
    lines += [f"> {message}" for message in preview.messages]
    text = "\n".join(lines).rstrip("\n") + "\n"
    if len(text) <= MAX_COMMENT:
        return text
    return _without_diffs(preview)


def _resource_lines(resource: Resource) -> list[str]:
    marks = {"update": "!", "replace": "!"}
    first = f"{marks.get(resource.op, sign(resource))} {resource.op} {label(resource)}"
    return [first, *(f"    {key}: {value}".rstrip(": ") for key, value in resource.changed.items())]


def _host_lines(host: str, operations: dict[str, str]) -> list[str]:
    lines = ["<details>", f"<summary><b>{host}</b>: {len(operations)} to do</summary>", ""]
    for name, text in operations.items():
        if "\n" in text:
            lines += [f"- `{name}`", "", *_fenced(text), ""]
        else:
            lines.append(f"- `{name}`: {text}")
    return [*lines, "", "</details>", ""]


def _fenced(text: str) -> list[str]:
    """A fence that is longer than any in the text."""
    fence = FENCE
    while fence in text:
        fence += "`"
    return [f"{fence}diff", *text.splitlines(), fence]


def _without_diffs(preview: Preview) -> str:
    lines = [f"### Pairwise preview of `{preview.stack}`", "", headline(preview), ""]
    lines += ["The diffs are too long for a comment: `pairwise preview --diff` shows them.", ""]
    for host, operations in preview.hosts.items():
        lines += [f"- **{host}**: {', '.join(f'`{name}`' for name in operations)}"]
    return ("\n".join(lines) + "\n")[:MAX_COMMENT]
