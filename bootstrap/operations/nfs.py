"""The exports of a running NFS server."""

from __future__ import annotations

from collections.abc import Generator

from pyinfra.api.command import StringCommand
from pyinfra.api.operation import operation
from pyinfra.context import host

from bootstrap.changes import explain
from bootstrap.facts.node import Seen
from bootstrap.managed import ManagedFile
from bootstrap.operations.units import ACTIVE, stamped
from bootstrap.phases import has_content


@operation()
def exported(file: ManagedFile, unit: str, *, seen: Seen) -> Generator[StringCommand, None, None]:
    """Make a running server use its exports as they are; clients stay connected.

    + file: the exports.
    + unit: the server; where it does not run there is nothing to do.
    + seen: what is so on the node.
    """
    if seen.unit(unit).active not in ACTIVE:
        host.noop(f"{unit} does not run here")
        return
    found = seen.files.get(file.path)
    written_later = found is not None and found.mtime > max(
        seen.unit(unit).started, seen.stamps.get(unit, 0)
    )
    if has_content(file, found) and not written_later:
        host.noop("the exports are as planned")
        return
    explain(f"{file.path} changes; exportfs -r reads it")
    yield StringCommand(f"exportfs -r && {stamped(unit)}")
