"""Shows a run of the engine: live on a terminal, line by line elsewhere."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from cli.events import WORDS, Line, Run, is_component

COLOURS = {"error": "bold red", "warning": "yellow", "info#err": "yellow"}
REFRESH_HZ = 4
"""Redraws per second of the live display: elapsed seconds are all that moves."""


def follow(events: Iterable[dict[str, Any]], console: Console) -> Run:
    """Show events until there are no more; returns what they came to."""
    run, lock = Run(), threading.Lock()
    with _shown(run, lock, console):
        for event in events:
            with lock:
                lines = run.take(event, now=time.monotonic())
            for line in lines:
                tell(line, console)
    return run


@contextmanager
def _shown(run: Run, lock: threading.Lock, console: Console) -> Iterator[None]:
    if not console.is_terminal:
        yield
        return

    def draw() -> Table:
        with lock:
            return table(run, now=time.monotonic())

    with Live(console=console, get_renderable=draw, refresh_per_second=REFRESH_HZ, transient=True):
        yield


def tell(line: Line, console: Console) -> None:
    """Print one line for good."""
    style = COLOURS.get(line.severity, "")
    for text in line.text.splitlines():
        console.print(Text(f"  {text}", style=style), soft_wrap=True)


def table(run: Run, *, now: float) -> Table:
    """What is being done at this moment, one row per resource and one per busy host."""
    grid = Table.grid(padding=(0, 2))
    for urn, work in list(run.running.items()):
        if is_component(urn):
            continue
        word = WORDS.get(work.step, (work.step, work.step))[0]
        grid.add_row(
            Text(word, style="cyan"),
            Text(f"{work.kind} {work.name}"),
            Text(f"{now - work.since:.0f} s", style="dim"),
        )
        for host, text in sorted(work.lines.items()):
            grid.add_row("", Text(f"  {host}", style="green"), Text(text, style="dim"))
    grid.add_row(Text(run.summary(), style="dim"), "", "")
    return grid
