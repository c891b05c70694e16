"""What a block owns on a node: files, links, users, packages, units, sysctls, the ruleset.

A block says it once, in its ``manifest``; facts are gathered for the union of the manifests of a
node, operations bring each item to its state, goldens and ``pairwise render`` show the files.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from bootstrap.changes import UNKNOWN


class Boot(StrEnum):
    """What becomes of a unit at boot."""

    ENABLED = "enabled"
    DISABLED = "disabled"
    MASKED = "masked"
    STATIC = "static"
    """Neither: other units pull it in, systemd alone decides."""


class Reload(StrEnum):
    """How a running unit takes up a changed file."""

    RELOAD = "reload"
    """Its own reload: connections and VIPs stay."""
    RESTART = "restart"
    """A restart, for daemons without state that clients see."""
    NONE = "none"
    """It reads no file of ours."""


@dataclass(frozen=True, kw_only=True)
class ManagedFile:
    """One file, whole: what is not in it is not on the machine."""

    path: str
    """Absolute path on the node."""
    content: str
    """Text, newline at its end."""
    mode: int = 0o644
    """Permission bits."""
    owner: str = "root"
    """User name."""
    group: str = "root"
    """Group name."""
    check: str = ""
    """The daemon's own checker, a shell command with ``%s`` for the candidate; empty: there is
    none for this kind of file."""
    effect: str = ""
    """What a change needs on a running pair beyond being written; a preview says it below the diff.
    Empty: a unit's reload or restart, an operation of its own, or nothing at all."""
    secrets: tuple[str, ...] = ()
    """Names of the secrets in it: its content is then never shown. Its text holds ``place_of`` each
    in their stead; ``with_values`` puts them in on the way to the node."""


def place_of(secret: str) -> str:
    """What stands for a secret in a text: goldens and ``pairwise render`` show it."""
    return f"<secret:{secret}>"


def with_values(file: ManagedFile, secrets: Mapping[str, str]) -> ManagedFile:
    """The file with its secrets' values; unchanged while a preview does not know all of them.

    Raises:
        KeyError: a secret that the Deploy was not given.
    """
    values = {name: secrets[name] for name in file.secrets}
    if any(value is UNKNOWN for value in values.values()):
        return file
    content = file.content
    for name, value in values.items():
        content = content.replace(place_of(name), value)
    return replace(file, content=content)


RenderedFile = ManagedFile
"""The name that `render_all` uses."""


@dataclass(frozen=True, kw_only=True)
class Link:
    """One symbolic link."""

    path: str
    """Absolute path of the link."""
    target: str
    """What it points to, literally."""


@dataclass(frozen=True, kw_only=True)
class Mode:
    """Permissions of a file that a package owns, kept over its upgrades (dpkg-statoverride(1))."""

    path: str
    """Absolute path, as the package names it."""
    group: str
    """Group; the owner is root."""
    mode: int
    """Permission bits."""


@dataclass(frozen=True, kw_only=True)
class SystemUser:
    """A user without login that a daemon or its scripts run as."""

    name: str
    """User and group name."""
    home: str = "/nonexistent"
    """Home directory, not created."""
    shell: str = "/usr/sbin/nologin"
    """Nobody logs in as it."""


def listening(place: str) -> str:
    """Shell text that succeeds when somebody listens at an address and TCP port."""
    return f"ss -Hltn src {place} | grep -q ."


@dataclass(frozen=True, kw_only=True)
class Unit:
    """One systemd unit."""

    name: str
    """Full name, never an alias."""
    boot: Boot = Boot.ENABLED
    """What becomes of it at boot."""
    running: bool | None = True
    """Whether it is to run now; for masked units: not. None: a cluster manager decides, and no
    operation starts, stops or reloads it."""
    reload: Reload = Reload.NONE
    """How it takes up a changed file."""
    files: tuple[str, ...] = ()
    """Paths whose content it reads when it starts or reloads."""
    ready: str = ""
    """Shell command that succeeds once the unit serves; tried after start and reload for
    READY_TIMEOUT_S seconds, so that a batch ends only when its node serves again."""


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """All that one block owns on one node."""

    block: str
    """Name of the block; every operation's name begins with it."""
    packages: tuple[str, ...] = ()
    """Debian packages that must be there."""
    unwanted: tuple[str, ...] = ()
    """Debian packages that must not be there."""
    users: tuple[SystemUser, ...] = ()
    """System users."""
    files: tuple[ManagedFile, ...] = ()
    """Files, in the order in which they are written: what a checker needs comes first."""
    links: tuple[Link, ...] = ()
    """Symbolic links."""
    absent: tuple[str, ...] = ()
    """Paths that must not exist."""
    observed: tuple[str, ...] = ()
    """Further paths that the block looks at and does not own."""
    sysctls: dict[str, str] = field(default_factory=dict)
    """Live kernel values, by key."""
    units: tuple[Unit, ...] = ()
    """Units, in the order in which they are started or reloaded."""
    ruleset: str = ""
    """Text of the nftables ruleset that the kernel must hold; empty: this block has none."""
    modes: tuple[Mode, ...] = ()
    """Permissions of packages' files."""
    disks: tuple[str, ...] = ()
    """Block devices that the block looks at before it writes to one."""
    mysql_accounts: tuple[str, ...] = ()
    """Accounts of a MySQL server that the block looks at where that runs."""
    lvs: bool = False
    """Whether the block looks at the kernel's virtual services."""
    accounts: bool = False
    """Whether this block guards the list of login users (one block does)."""


def union(manifests: Iterable[Manifest]) -> Manifest:
    """Everything to be looked at on a node, as one manifest."""
    all_of = tuple(manifests)
    sysctls: dict[str, str] = {}
    for manifest in all_of:
        sysctls |= manifest.sysctls
    return Manifest(
        block="node",
        packages=tuple(dict.fromkeys(name for m in all_of for name in m.packages)),
        unwanted=tuple(dict.fromkeys(name for m in all_of for name in m.unwanted)),
        users=tuple(user for m in all_of for user in m.users),
        files=tuple(file for m in all_of for file in m.files),
        links=tuple(link for m in all_of for link in m.links),
        absent=tuple(path for m in all_of for path in m.absent),
        observed=tuple(path for m in all_of for path in m.observed),
        sysctls=sysctls,
        units=tuple(unit for m in all_of for unit in m.units),
        ruleset="".join(m.ruleset for m in all_of),
        modes=tuple(mode for m in all_of for mode in m.modes),
        disks=tuple(disk for m in all_of for disk in m.disks),
        mysql_accounts=tuple(account for m in all_of for account in m.mysql_accounts),
        lvs=any(m.lvs for m in all_of),
        accounts=any(m.accounts for m in all_of),
    )
