"""Live kernel values."""

from __future__ import annotations

from collections.abc import Generator, Mapping

from pyinfra.api.command import StringCommand
from pyinfra.api.operation import operation
from pyinfra.context import host

from bootstrap.changes import explain
from bootstrap.facts.node import Seen
from bootstrap.facts.sysctl import path_of

RESET = {"net.ipv4.ip_forward": ("net.ipv4.conf.all.accept_redirects",)}
"""Keys that the kernel sets anew when another one changes (ip-sysctl.rst, ip_forward)."""


@operation()
def value(
    key: str, wanted: str, *, seen: Seen, planned: Mapping[str, str] | None = None
) -> Generator[StringCommand, None, None]:
    """Make the running kernel use a value; a managed file keeps it over a boot.

    + key: name with dots.
    + wanted: the value, single spaces.
    + seen: what is so on the node.
    + planned: all values, for those that the kernel resets with this one.
    """
    found = seen.sysctls.get(key)
    if found == wanted:
        host.noop(f"{key} is {wanted}")
        return
    explain(f"{key}: {found or 'not there'} -> {wanted}")
    writes = [f"echo '{wanted}' >{path_of(key)}"]
    for other in RESET.get(key, ()):
        if other in (planned or {}):
            writes.append(f"echo '{(planned or {})[other]}' >{path_of(other)}")
    yield StringCommand(" && ".join(writes))
