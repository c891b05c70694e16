"""Debian packages."""

from __future__ import annotations

from collections.abc import Generator, Sequence

from pyinfra.api.command import StringCommand
from pyinfra.api.operation import operation
from pyinfra.context import host

from bootstrap.changes import explain
from bootstrap.facts.node import Seen
from bootstrap.phases import blocked_service_startup

APT = "env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=120"
"""Waits for another apt for at most two minutes instead of failing at once."""
KEEP = "-o Dpkg::Options::=--force-confold"
"""Configuration files are ours: a package never asks, and never replaces one."""

HAS = "dpkg-query -W -f='${{db:Status-Status}}\\n' {} 2>/dev/null | grep -qx installed"
"""Whether a package is there now: an operation before this one may have brought it."""


@operation()
def installed(
    package: str, *, together: Sequence[str] = (), seen: Seen
) -> Generator[StringCommand, None, None]:
    """Make a package be there, with its services left alone.

    The first of a node's operations installs what is missing of all its blocks, in one transaction
    of apt; the others find their package there. A preview lists each by itself.

    + package: its name.
    + together: packages of all blocks of the node.
    + seen: what is so on the node.
    """
    if package in seen.packages:
        host.noop(f"package {package} is installed")
        return
    explain(f"package {package} is not installed; it is installed, nothing of it started")
    wanted = dict.fromkeys([*together, package])
    missing = " ".join(name for name in wanted if name not in seen.packages)
    install = f"{APT} {KEEP} install --no-install-recommends {missing}"
    # The lists are fetched only where the ones at hand do not suffice.
    attempt = f"{{ {install} || {{ {APT} update && {install}; }}; }}"
    # In a shell of its own: the trap that it sets must not outlast it.
    yield StringCommand(f"{HAS.format(package)} || ( {blocked_service_startup(attempt)} )")


@operation()
def removed(package: str, *, seen: Seen) -> Generator[StringCommand, None, None]:
    """Make a package not be there; its configuration files stay.

    + package: its name.
    + seen: what is so on the node.
    """
    if package not in seen.packages:
        host.noop(f"package {package} is not installed")
        return
    explain(f"package {package} is installed and unwanted here; it is removed")
    yield StringCommand(blocked_service_startup(f"{APT} remove {package}"))
