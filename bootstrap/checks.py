"""One check of ``pairwise verify``: a shell command on the node that succeeds when all is well."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bootstrap.facts.sysctl import path_of


@dataclass(frozen=True, kw_only=True)
class Check:
    """A statement about a node that can be tried."""

    name: str
    """``<block>: <statement>``, unique on a node."""
    command: str
    """Shell command; exit 0 means that the statement holds."""
    expect: str = ""
    """Text that must be in its output as well; empty: the exit code decides alone."""
    failure: str
    """One sentence: what is wrong when it fails, and what to do."""


def runs_installed_binary(block: str, *, unit: str, binary: str) -> Check:
    """The running process is the installed program, not one that an upgrade has replaced.

    The kernel marks the executable of a running process as deleted when its file was replaced.
    """
    pid = f"$(systemctl show -p MainPID --value {unit})"
    return Check(
        name=f"{block}: {unit} runs the installed {binary}",
        command=f'test "$(readlink /proc/{pid}/exe)" = "$(readlink -f {binary})"',
        failure=f"{unit} does not run {binary} as installed: restart it (backup first).",
    )


def is_active(block: str, unit: str) -> Check:
    """The unit runs."""
    return Check(
        name=f"{block}: {unit} runs",
        command=f"systemctl is-active --quiet {unit}",
        failure=f"{unit} does not run: journalctl -u {unit} says why, `pairwise up` starts it.",
    )


def is_enabled(block: str, unit: str) -> Check:
    """The unit starts at boot."""
    return Check(
        name=f"{block}: {unit} is enabled",
        command=f"systemctl is-enabled --quiet {unit}",
        failure=f"{unit} would not start after a boot: `pairwise up` enables it.",
    )


def listens(block: str, *, address: str, port: int) -> Check:
    """A TCP port is listened on at an address; 0.0.0.0 for all."""
    pattern = f"{address}:{port}".replace(".", "[.]")
    return Check(
        name=f"{block}: {address}:{port} is listened on",
        command=f"ss -Hltn | awk '{{print $4}}' | grep -qx '{pattern}'",
        failure=f"Nothing listens on {address}:{port}: ss -ltn shows what does.",
    )


def kernel_uses(block: str, sysctls: Mapping[str, str]) -> Check:
    """The running kernel uses the planned values."""
    wanted = " ".join(f"'{path_of(key)}:{value}'" for key, value in sorted(sysctls.items()))
    paths = " ".join(path_of(key) for key in sorted(sysctls))
    return Check(
        name=f"{block}: the kernel uses the planned values",
        command=f"found=$(grep -H '' {paths} | tr '\\t' ' ') && for line in {wanted}; do "
        'echo "$found" | grep -qxF "$line" || { echo "not so: $line"; exit 1; }; done',
        failure="A kernel value is not the planned one: `pairwise up` sets it.",
    )
