"""What an operation would change, in words: the only thing a block tells the preview.

pyinfra says that an operation would change something, not what. An operation of ours calls
`explain` inside its generator, before its first command, with a unified diff or a sentence; the
provider's child fetches it with `take` and shows it in `pulumi preview`. An operation that
explains nothing is shown by the commands that it would run.
"""

from typing import Final

from pyinfra.context import ctx_host

UNKNOWN: Final = "(known after apply)"
"""Stands for a secret that the preview does not know yet; compare with `is`."""

_texts: dict[tuple[str, str], str] = {}


def explain(text: str) -> None:
    """Attach a unified diff or a sentence to the operation whose generator is running.

    A second call within one operation replaces the first: generators run more than once.

    Raises:
        RuntimeError: called outside of an operation's generator.
    """
    host = ctx_host.get()
    operation = None if host is None else host.current_op_hash
    if operation is None:
        raise RuntimeError(
            "explain() was called outside of an operation: call it inside the generator of an"
            " @operation, before its first yield"
        )
    _texts[(host.name, operation)] = text


def take(host: str, op_hash: str) -> str | None:
    """Return what the operation explained on this host, and forget it; None when nothing."""
    return _texts.pop((host, op_hash), None)
