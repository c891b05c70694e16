"""How a command ends: exit codes, and the one error type that becomes one sentence."""

from __future__ import annotations

EXIT_FAIL = 1
"""What was asked for did not come about, or something is wrong."""
EXIT_UNKNOWN = 2
"""It could not be told (a node was not reached)."""
EXIT_USAGE = 3
"""The command line is wrong."""
EXIT_SIGNAL = 128
"""Added to the number of the signal that ended a command, as shells have it."""
EXIT_INTERRUPTED = EXIT_SIGNAL + 2
"""Ended by Ctrl-C (SIGINT)."""


class CommandError(Exception):
    """Ends the command; the text is one sentence: what, where, what to do."""

    def __init__(self, sentence: str, *, code: int = EXIT_FAIL) -> None:
        super().__init__(sentence)
        self.code = code
