"""What the monitor knows of its pair: /etc/pairwise/monitor.json, which the plan fills."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HEARTBEAT = "heartbeat.service"
"""While it is not active, or is stopping, the monitor acts on nothing."""


@dataclass(frozen=True, kw_only=True)
class Group:
    """What moves together: disk, file system, daemons, VIP."""

    name: str
    """``mysql``, ``nfs`` or ``director``."""
    prefers: str
    """Node to which it belongs: ``local`` there and ``foreign`` on the other one."""
    key: str
    """First resource of its line in haresources: Heartbeat's name for it."""
    resource: str
    """Its DRBD resource; empty: it keeps nothing on a disk, and the next three say nothing."""
    minor: int
    """Of that resource's device."""
    mount_point: str
    """Of its file system."""
    connections: str
    """File on it that says who is connected."""
    units: tuple[str, ...]
    """Its daemons' units, in the order in which they start."""
    helpers: tuple[str, ...]
    """Units that those pull in and that must run as well."""
    vip: str
    """Its address."""
    socket: str
    """Socket on which its daemon greets; empty: none."""
    threads_of: str
    """Unit that runs the kernel's NFS threads; empty: none."""

    @property
    def watched(self) -> tuple[str, ...]:
        """Every unit that must run while the group is held."""
        return (*self.units, *self.helpers)


@dataclass(frozen=True, kw_only=True)
class Config:
    """The monitor's own pair."""

    stack: str
    """Name of the stack: for the commands in the problems."""
    pair: str
    """Name of the pair."""
    node: str
    """This node."""
    peer: str
    """The other one."""
    groups: tuple[Group, ...]
    """In the order of haresources."""
    notify: tuple[str, ...]
    """Program, its user and the kind of message; empty: nobody is told."""
    fence_waiting: str
    """Mark: why a take-over waits."""
    peer_off: str
    """Mark: the peer is surely off."""
    of_absence: tuple[str, ...]
    """Marks that hold only until the peer is met again: that one, and a person's word."""
    ping: str
    """Address whose answer says that this node's client link is alive (ha.cf, ping)."""

    def side(self, group: Group) -> str:
        """Heartbeat's word for the group as seen from this node: ``local`` or ``foreign``."""
        return "local" if group.prefers == self.node else "foreign"

    def side_of_all(self, groups: tuple[Group, ...]) -> str:
        """The one word that covers all of them."""
        sides = {self.side(group) for group in groups}
        return sides.pop() if len(sides) == 1 else "all"


def load(path: Path) -> Config:
    """Read the file.

    Raises:
        SystemExit: it does not fit; one sentence says so.
    """
    try:
        return parse(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise SystemExit(
            f"{path} is no configuration of this monitor ({error}): `pairwise up` writes it anew."
        ) from error


def parse(values: Mapping[str, Any]) -> Config:
    """The inverse of the block's rendering."""
    groups = tuple(Group(**_frozen(group)) for group in values["groups"])
    return Config(**{**_frozen(values), "groups": groups})


def _frozen(values: Mapping[str, Any]) -> dict[str, Any]:
    """Lists as tuples; the key without a name says whose file it is."""
    return {k: tuple(v) if isinstance(v, list) else v for k, v in values.items() if k}
