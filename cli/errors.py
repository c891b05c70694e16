"""How a command ends: exit codes, and the one error type that becomes one sentence."""

from __future__ import annotations

EXIT_FAIL = 1
"""What was asked for did not come about, or something is wrong."""
EXIT_UNKNOWN = 2
"""It could not be told (a node was not reached)."""
EXIT_USAGE = 3
"""The command line is wrong."""
EXIT_INTERRUPTED = 130
"""Ended by Ctrl-C (128 + SIGINT, as shells have it)."""


class CommandError(Exception):
    """Ends the command; the text is one sentence: what, where, what to do."""

    def __init__(self, sentence: str, *, code: int = EXIT_FAIL) -> None:
        super().__init__(sentence)
        self.code = code
