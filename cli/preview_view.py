"""A preview for a terminal; cli/comment.py makes one for a pull request."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from cli.preview import Preview, headline, label, sign, to_do

STYLES = {"+": "green", "-": "red", "~": "yellow", "+-": "magenta", "@": "cyan"}
"""Colour of a line by its first sign."""


def show(preview: Preview, console: Console, *, diff: bool) -> None:
    """Print changed resources, then the operations of each host."""
    for resource in preview.changed:
        mark = sign(resource)
        console.print(Text(f"{mark:>2} {label(resource)}", style=STYLES.get(mark, "")))
        if diff:
            for key, value in resource.changed.items():
                console.print(Text(f"     {key}: {value}".rstrip(": ")), soft_wrap=True)
    for host, operations in preview.hosts.items():
        console.print(Text(f"{host}: {len(to_do(operations))} to do", style="bold"))
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
