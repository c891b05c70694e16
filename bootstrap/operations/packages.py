"""Debian packages."""

from __future__ import annotations

from collections.abc import Generator

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


@operation()
def installed(package: str, *, seen: Seen) -> Generator[StringCommand, None, None]:
    """Make a package be there, with its services left alone.

    + package: its name.
    + seen: what is so on the node.
    """
    if package in seen.packages:
        host.noop(f"package {package} is installed")
        return
    explain(f"package {package} is not installed; it is installed, nothing of it started")
    install = f"{APT} {KEEP} install --no-install-recommends {package}"
    # The lists are fetched only where the ones at hand do not suffice.
    attempt = f"{{ {install} || {{ {APT} update && {install}; }}; }}"
    yield StringCommand(blocked_service_startup(attempt))


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
