"""The part of the plan that is NFS: a pair's server, and its clients' mounts."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address

from stacks.model_data import NfsVersion


@dataclass(frozen=True, kw_only=True)
class NfsPlan:
    """The NFS server on one node of a pair."""

    version: NfsVersion
    """From the description."""
    vip: IPv4Address
    """Address that clients use, and from which version 3 tells them of a take-over."""
    statd_port: int
    """Of version 3, like the next two."""
    lockd_port: int
    """The kernel's lock manager."""
    mountd_port: int
    """Hands out the first file handle."""
    export: str
    """Exported folder, on the replicated disk."""
    state: str
    """Folder of the client records, on the same disk: they move with the files."""
    mount_point: str
    """Mount without which it must not start."""
    fsid: int
    """Identity of the export, the same on both nodes: file handles hold it, so that a client does
    not see that the server is another one. 0 makes it the root of NFS version 4, and no folder of
    the node's own disk is part of any handle (exports(5)); version 3 has no root and gets 1."""
    clients: tuple[IPv4Address, ...]
    """Machines whose description names this pair as ``files``, by id."""
    root_squash: bool
    """From the description."""
    lease_s: int
    """From the description."""
    threads: int
    """From the description."""


@dataclass(frozen=True, kw_only=True)
class NfsMount:
    """An export as a client mounts it."""

    server: IPv4Address
    """The VIP: not a name, so that a mount needs no DNS."""
    export: str
    """``/``: the export is the root of NFS version 4; for version 3 the folder on the server."""
    version: NfsVersion
    """What its pair serves."""
    callers: tuple[IPv4Address, ...]
    """Addresses from which version 3's server calls back: the VIP, then both nodes."""
    statd_port: int
    """Where this machine's statd is told of a take-over (version 3)."""
    lockd_port: int
    """Where its lock manager is told that it has got a lock (version 3)."""
    mount_point: str
    """Where it is mounted."""
