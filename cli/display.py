"""Shows a run of the engine: live on a terminal, elsewhere line by line, and what it waits for."""

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

from cli.events import Line, Run

COLOURS = {"error": "bold red", "warning": "yellow", "info#err": "yellow"}
REFRESH_HZ = 4
"""Redraws per second of the live display: elapsed seconds are all that moves."""
SILENCE_S = 30.0
"""Where there is no live display a run that has told nothing for so long says what it is at: six
emulated machines boot for minutes."""


def follow(
    events: Iterable[dict[str, Any]], console: Console, *, silence_s: float = SILENCE_S
) -> Run:
    """Show events until there are no more; returns what they came to."""
    run, lock, told = Run(), threading.Lock(), threading.Event()
    shown = (
        _shown(run, lock, console)
        if console.is_terminal
        else _reminded(run, lock, console, told, silence_s)
    )
    with shown:
        for event in events:
            with lock:
                lines = run.take(event, now=time.monotonic())
            for line in lines:
                tell(line, console)
                told.set()
    return run


@contextmanager
def _reminded(
    run: Run, lock: threading.Lock, console: Console, told: threading.Event, silence_s: float
) -> Iterator[None]:
    """After each silence say what is being done; ``told`` is set by whatever is said otherwise."""
    ended = threading.Event()

    def remind() -> None:
        while not ended.is_set():
            if told.wait(silence_s):
                told.clear()
                continue
            with lock:
                lines = waits(run, now=time.monotonic())
            for line in lines:
                tell(line, console)

    thread = threading.Thread(target=remind, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        told.set()
        thread.join()


@contextmanager
def _shown(run: Run, lock: threading.Lock, console: Console) -> Iterator[None]:

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


def waits(run: Run, *, now: float) -> list[Line]:
    """What is being done at this moment: a line for each resource, with its hosts."""
    lines = []
    for work in run.at_work():
        busy = "; ".join(f"{host} {text}".strip() for host, text in sorted(work.lines.items()))
        what = f"{work.doing} {work.kind} {work.name} ({now - work.since:.0f} s)"
        lines.append(Line(f"{what}: {busy}" if busy else what))
    return lines


def table(run: Run, *, now: float) -> Table:
    """What is being done at this moment, one row per resource and one per busy host."""
    grid = Table.grid(padding=(0, 2))
    for work in run.at_work():
        grid.add_row(
            Text(work.doing, style="cyan"),
            Text(f"{work.kind} {work.name}"),
            Text(f"{now - work.since:.0f} s", style="dim"),
        )
        for host, text in sorted(work.lines.items()):
            grid.add_row("", Text(f"  {host}", style="green"), Text(text, style="dim"))
    grid.add_row(Text(run.summary(), style="dim"), "", "")
    return grid
