"""Reads what pyinfra has prepared or run on one host: names, changes, texts, errors."""

from collections.abc import Iterator
from typing import Any, Final

from pyinfra.api.command import StringCommand
from pyinfra.api.operation import OperationMeta

from bootstrap.changes import take
from provider.ssh import SILENCE_S, Node

MAX_LINES: Final = 200
"""Lines of one operation's text in the preview; the rest is counted."""

MAX_COMMANDS: Final = 10
"""Commands shown of an operation that explains nothing."""

ERROR_LINES: Final = 4
"""Last lines of output in an error sentence."""


def patch_did_change() -> None:
    """Let `any_changed(...)` conditions be asked before anything has run.

    pyinfra evaluates `_if` at run time only. In a dry run "did it change" means "will it change":
    a reload is shown exactly where the file that it belongs to changes.
    """
    original = OperationMeta.did_change

    def did_change(self: OperationMeta) -> bool:
        return original(self) if self.is_complete() else bool(self._maybe_is_change)

    OperationMeta.did_change = did_change  # type: ignore[method-assign]


def names(node: Node, *, start: int = 0) -> Iterator[tuple[str, str]]:
    """Yield (hash, name) of the host's operations in order, from position `start`.

    The name is the operation's own, without the names of the deploys around it; a name that comes
    twice is numbered.
    """
    seen: dict[str, int] = {}
    for position, op_hash in enumerate(node.host.op_hash_order):
        full = min(node.host.state.op_meta[op_hash].names)
        name = full.rsplit(" | ", 1)[-1]
        seen[name] = seen.get(name, 0) + 1
        if position >= start:
            yield op_hash, name if seen[name] == 1 else f"{name} ({seen[name]})"


def planned(node: Node) -> dict[str, str]:
    """Return the operations that would change the host, with what each would change."""
    found = {}
    for op_hash, name in names(node):
        data = node.host.state.ops[node.host][op_hash]
        if data.operation_meta._maybe_is_change is False or not _wanted(data.global_arguments):
            take(node.name, op_hash)
            # A later operation's condition asks this one: it does not run, it does not change.
            data.operation_meta._maybe_is_change = False
            continue
        found[name] = _shortened(take(node.name, op_hash) or _commands(data))
    return found


def _wanted(arguments: Any) -> bool:
    conditions: Any = arguments.get("_if") or []
    if not isinstance(conditions, list | tuple):
        conditions = [conditions]
    return all(condition() for condition in conditions)


def _commands(data: Any) -> str:
    lines: list[str] = []
    for command in data.command_generator():
        if len(lines) == MAX_COMMANDS:
            lines.append("...")
            break
        text = command.get_masked_value() if isinstance(command, StringCommand) else str(command)
        lines.append(f"$ {text}")
    return "\n".join(lines)


def _shortened(text: str) -> str:
    lines = text.rstrip("\n").split("\n")
    if len(lines) <= MAX_LINES:
        return "\n".join(lines)
    return "\n".join([*lines[:MAX_LINES], f"... {len(lines) - MAX_LINES} more lines"])


def failure(node: Node, op_hash: str, name: str) -> str:
    """Return one sentence on a failed operation: its name and the last lines of its output, or that
    the connection ended while it ran, which pyinfra reports as a command without any."""
    if not node.transport.is_active():
        return (
            f"{node.name}: the SSH connection ended while operation '{name}' ran: the machine was"
            f" powered off, restarted, or silent for {SILENCE_S} s; its console and the log of the"
            f" fence endpoint say which"
        )
    meta = node.host.state.ops[node.host][op_hash].operation_meta
    output = meta._combined_output
    lines = [line.line.strip() for line in output] if output is not None else []
    last = "; ".join([line for line in lines if line][-ERROR_LINES:])
    return f"{node.name}: operation '{name}' failed: {last or 'it gave no output'}"
