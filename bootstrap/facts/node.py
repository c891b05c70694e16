"""Everything that the operations of a node ask, in one round trip.

Under software emulation a round trip costs a quarter of a second and a process tens of
milliseconds: one shell script with about ten processes reads what the blocks of a node own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pyinfra.api.facts import FactBase
from typing_extensions import override

from bootstrap.facts import disks as disk_facts
from bootstrap.facts import files as file_facts
from bootstrap.facts import lvs as lvs_facts
from bootstrap.facts import modes as mode_facts
from bootstrap.facts import mysql as mysql_facts
from bootstrap.facts import packages as package_facts
from bootstrap.facts import ruleset as ruleset_facts
from bootstrap.facts import sysctl as sysctl_facts
from bootstrap.facts import units as unit_facts
from bootstrap.facts import users as user_facts
from bootstrap.managed import Manifest

MARK = "#pairwise:"
"""Begins the line that begins a section."""
OURS = "pairwise"
"""Word in the names of folders and drop-ins that no package brings."""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What is so on a node. The default is a machine about which nothing is known."""

    files: Mapping[str, file_facts.SeenFile] = field(default_factory=dict)
    """By path; no entry: it does not exist."""
    units: Mapping[str, unit_facts.SeenUnit] = field(default_factory=dict)
    """By name."""
    stamps: Mapping[str, int] = field(default_factory=dict)
    """Unit name -> its last reload by us, seconds since the epoch."""
    packages: frozenset[str] = frozenset()
    """Those of the asked ones that are installed."""
    sysctls: Mapping[str, str] = field(default_factory=dict)
    """Live values by key."""
    users: Mapping[str, user_facts.SeenUser] = field(default_factory=dict)
    """By name."""
    root_password: bool = False
    """Whether root could log in with a password."""
    modes: Mapping[str, str] = field(default_factory=dict)
    """Path -> ``owner:group mode``."""
    disks: Mapping[str, disk_facts.SeenDisk] = field(default_factory=dict)
    """By path; no entry: there is no such device."""
    mysql: mysql_facts.SeenMysql | None = None
    """The MySQL server that runs here; None: none does, or it gives no answer."""
    lvs: lvs_facts.SeenLvs | None = None
    """The kernel's virtual services; None: it has no table, or nobody asked."""
    ruleset: tuple[str, ...] = ()
    """The kernel's ruleset, line by line."""
    expected_ruleset: tuple[str, ...] = ()
    """The normal form of ours; empty where nft is not installed yet."""

    @property
    def is_blank(self) -> bool:
        """Whether nothing was ever configured here: there is no file that bears our name, and the
        base alone has several on every node."""
        return not any(OURS in path for path in self.files)

    def unit(self, name: str) -> unit_facts.SeenUnit:
        """State of a unit; one that systemd does not know is not found."""
        return self.units.get(name, unit_facts.SeenUnit())


def script(wanted: Manifest) -> str:
    """The shell text that reads everything in ``wanted``."""
    paths = [file.path for file in wanted.files] + [link.path for link in wanted.links]
    sections = {
        "files": file_facts.script([*paths, *wanted.absent, *wanted.observed]),
        "units": unit_facts.script(unit.name for unit in wanted.units),
        "packages": package_facts.script(wanted.packages + wanted.unwanted),
        "sysctls": sysctl_facts.script(wanted.sysctls),
        "users": user_facts.script() if wanted.users or wanted.accounts else "",
        "modes": mode_facts.script(mode.path for mode in wanted.modes),
        "disks": disk_facts.script(wanted.disks),
        "mysql": mysql_facts.script(wanted.mysql_accounts),
        "lvs": lvs_facts.script(wanted.lvs),
        "ruleset": ruleset_facts.script(wanted.ruleset),
    }
    parts = ["exec 2>/dev/null"]
    for name, text in sections.items():
        parts += [f"echo '{MARK}{name}'", text] if text else []
    return "; ".join([*parts, "true"])


def process(output: Iterable[str], *, unit_names: Iterable[str]) -> Seen:
    """Read the output of ``script``."""
    sections: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in output:
        if line.startswith(MARK):
            lines = sections.setdefault(line.removeprefix(MARK).strip(), [])
        else:
            lines.append(line)
    unit_lines, stamps = _split(sections.get("units", []), "#stamps")
    live, expected = _split(sections.get("ruleset", []), ruleset_facts.EXPECTED_MARK)
    accounts = sections.get("users", [])
    return Seen(
        files=file_facts.process(sections.get("files", [])),
        units=unit_facts.process(unit_lines, unit_names),
        stamps=unit_facts.process_stamps(stamps),
        packages=package_facts.process(sections.get("packages", [])),
        sysctls=sysctl_facts.process(sections.get("sysctls", [])),
        users=user_facts.process(accounts),
        root_password=user_facts.PASSWORD_MARK in accounts,
        modes=mode_facts.process(sections.get("modes", [])),
        disks=disk_facts.process(sections.get("disks", [])),
        mysql=mysql_facts.process(sections.get("mysql", [])),
        lvs=lvs_facts.process(sections.get("lvs", [])),
        ruleset=tuple(line for line in live if line.strip()),
        expected_ruleset=tuple(line for line in expected if line.strip()),
    )


def _split(lines: list[str], mark: str) -> tuple[list[str], list[str]]:
    if mark not in lines:
        return lines, []
    at = lines.index(mark)
    return lines[:at], lines[at + 1 :]


class NodeState(FactBase[list[str]]):
    """Raw output of a node's script; ``process`` of this module reads it.

    + text: what ``script`` returned.

    .. code:: python

        ["#pairwise:files", "ZXRjL2hvc3Rz...", "#pairwise:units", "LoadState=loaded", ...]
    """

    @staticmethod
    @override
    def default() -> list[str]:
        return []

    @override
    def command(self, text: str) -> str:
        return text

    @override
    def process(self, output: Iterable[str]) -> list[str]:
        return list(output)
