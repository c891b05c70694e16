"""Heartbeat's key on a running pair: it waits beside the one in use until both nodes take it."""

from __future__ import annotations

import base64
from collections.abc import Generator
from dataclasses import replace

from pyinfra.api.command import StringCommand
from pyinfra.api.operation import operation
from pyinfra.context import host

from bootstrap.changes import explain
from bootstrap.facts.node import Seen
from bootstrap.managed import ManagedFile
from bootstrap.operations import files
from bootstrap.phases import has_content


def is_offered(file: ManagedFile, waiting: str, seen: Seen) -> bool:
    """Whether a node has another key than the planned one, or a switch to it is not over.

    A node that has none yet is new: nothing of it runs, and the key is put in its place at once.
    """
    found = seen.files.get(file.path)
    return found is not None and (not has_content(file, found) or waiting in seen.files)


@operation()
def key_offered(
    file: ManagedFile, waiting: str, unit: str, *, seen: Seen, unknown: bool = False
) -> Generator[StringCommand, None, None]:
    """Make another key wait beside the one in use, and be taken when the peer takes it.

    + file: authkeys as planned.
    + waiting: where it waits.
    + unit: what takes it when the peer does.
    + seen: what is so on the node.
    + unknown: the key is not known yet (previews only).
    """
    found = seen.files.get(file.path)
    if found is None or not is_offered(file, waiting, seen):
        yield from files.put._inner(file, seen=seen, unknown=unknown)
        return
    explain(f"{files.difference(file, found, unknown=unknown)}\n\\ {file.effect}")
    encoded = base64.b64encode(file.content.encode()).decode()
    put = files.install_command(replace(file, path=waiting), "base64 -d")
    # On standard input, so that no process list of the node shows it.
    yield StringCommand(
        f"{put} && systemctl daemon-reload && systemctl restart {unit}", _stdin=encoded
    )


@operation()
def key_taken(
    file: ManagedFile, waiting: str, unit: str, lead: str, *, seen: Seen
) -> Generator[StringCommand, None, None]:
    """Make both nodes of a running pair sign with the planned key.

    + file: authkeys as planned.
    + waiting: where it waits on both nodes.
    + unit: what takes it on the peer when this node does.
    + lead: the program that takes it first, and goes back where the peer does not follow.
    + seen: what is so on the node.
    """
    if not is_offered(file, waiting, seen):
        host.noop(f"{file.path} is the one in use")
        return
    explain(f"both nodes sign with {', '.join(file.secrets)} from then on; nothing moves")
    yield StringCommand(f"systemctl stop {unit}; {lead}")
