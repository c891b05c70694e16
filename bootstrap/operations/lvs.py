"""The kernel's virtual services."""

from __future__ import annotations

import shlex
from collections.abc import Generator, Mapping

from pyinfra.api.command import StringCommand
from pyinfra.api.operation import operation
from pyinfra.context import host

from bootstrap.changes import explain
from bootstrap.facts.lvs import SeenRealServer, SeenService
from bootstrap.facts.node import Seen


@operation()
def table(
    wanted: Mapping[str, SeenService], *, probed: frozenset[str], seen: Seen
) -> Generator[StringCommand, None, None]:
    """Make the kernel's table hold the planned services, by the fewest changes: connections to
    what stays are not cut.

    + wanted: the whole table.
    + probed: services whose real servers a daemon adds and removes: none is added here.
    + seen: what is so on the node.
    """
    found = seen.lvs.services if seen.lvs is not None else {}
    lines = differences(wanted, found, probed=probed)
    if not lines:
        host.noop("the kernel holds the planned services")
        return
    explain("\n".join(f"ipvsadm {line}" for line in lines))
    # Each line is a call of its own, made by one process (ipvsadm(8), --restore).
    text = "".join(f"{line}\n" for line in lines)
    yield StringCommand(f"printf %s {shlex.quote(text)} | ipvsadm -R")


@operation()
def module(*, seen: Seen) -> Generator[StringCommand, None, None]:
    """Make the kernel have virtual services: their settings exist only then.

    + seen: what is so on the node.
    """
    if seen.lvs is not None:
        host.noop("the kernel has virtual services")
        return
    explain("the kernel has no virtual services yet")
    yield StringCommand("modprobe ip_vs")


def differences(
    wanted: Mapping[str, SeenService],
    found: Mapping[str, SeenService],
    *,
    probed: frozenset[str] = frozenset(),
) -> list[str]:
    """Arguments of ipvsadm(8), one call each, that lead from one table to another."""
    lines = [f"-D {key}" for key in sorted(found) if key not in wanted]
    for key, service in sorted(wanted.items()):
        there = found.get(key)
        if there is None:
            lines.append(f"-A {key} {' '.join(service.options)}")
        elif there.options != service.options:
            lines.append(f"-E {key} {' '.join(service.options)}")
        servers = there.servers if there is not None else {}
        lines += [f"-d {key} -r {name}" for name in sorted(servers) if name not in service.servers]
        for name, server in sorted(service.servers.items()):
            line = _server(key, name, server, servers.get(name), is_probed=key in probed)
            lines += [line] if line else []
    return lines


def _server(
    key: str, name: str, wanted: SeenRealServer, found: SeenRealServer | None, *, is_probed: bool
) -> str:
    """How one real server gets to what is wanted; empty: it is there."""
    told = f"{key} -r {name} {wanted.forwarding} -w {wanted.weight}"
    if found is None:
        return "" if is_probed else f"-a {told}"
    # A daemon gives a real server that fails weight 0 where it does not take it out.
    stays = found == wanted or (is_probed and found.weight == 0 and wanted.weight != 0)
    return "" if stays else f"-e {told}"
