"""Permissions of files that packages own."""

from __future__ import annotations

import shlex
from collections.abc import Iterable


def script(paths: Iterable[str]) -> str:
    """Shell text: one line ``owner:group mode path`` for each path that exists."""
    quoted = " ".join(shlex.quote(path) for path in paths)
    return f"stat -c '%U:%G %04a %n' {quoted}" if quoted else ""


def process(output: Iterable[str]) -> dict[str, str]:
    """Path -> ``owner:group mode``."""
    found = {}
    for line in output:
        owner, mode, path = line.split(" ", 2)
        found[path] = f"{owner} {mode}"
    return found
