"""What a command says while it works: on standard error, so that results can be piped."""

from __future__ import annotations

import sys

from rich.console import Console

PIPE_WIDTH = 160
"""Columns of tables that are not shown on a terminal: none of ours is broken by it."""


def say(text: str) -> None:
    """One line of progress."""
    print(f"pairwise: {text}", file=sys.stderr, flush=True)


def err_console() -> Console:
    """Standard error with colours on a terminal (NO_COLOR is honoured)."""
    return Console(stderr=True, highlight=False)


def out_console() -> Console:
    """Standard output with colours on a terminal (NO_COLOR is honoured)."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else PIPE_WIDTH)
