"""Live kernel values."""

from __future__ import annotations

from collections.abc import Generator

from pyinfra.api.command import StringCommand
from pyinfra.api.operation import operation
from pyinfra.context import host

from bootstrap.changes import explain
from bootstrap.facts.node import Seen
from bootstrap.facts.sysctl import path_of


@operation()
def value(key: str, wanted: str, *, seen: Seen) -> Generator[StringCommand, None, None]:
    """Make the running kernel use a value; a managed file keeps it over a boot.

    + key: name with dots.
    + wanted: the value, single spaces.
    + seen: what is so on the node.
    """
    found = seen.sysctls.get(key)
    if found == wanted:
        host.noop(f"{key} is {wanted}")
        return
    explain(f"{key}: {found or 'not there'} -> {wanted}")
    yield StringCommand(f"echo '{wanted}' >{path_of(key)}")
