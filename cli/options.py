"""Arguments and options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


def stack_argument(function: F) -> F:
    """The stack that a command is about."""
    return click.argument("stack")(function)


def node_argument(function: F) -> F:
    """The node that a command is about."""
    return click.argument("node")(function)


def json_option(function: F) -> F:
    """Machine-readable output."""
    return click.option("--json", "as_json", is_flag=True, help="Write JSON to standard output.")(
        function
    )


def example(text: str) -> str:
    """Epilog of a help text; click keeps its lines as they are."""
    return f"\b\nExample:\n  {text}"
