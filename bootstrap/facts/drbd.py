"""DRBD's resources as the kernel shows them: /proc/drbd of the 8.4 module, parsed once.

Needs: the standard library only. Block monitor installs this very file on the node, so that the
    facts, ``pairwise status`` and the monitor read one text in one way.
Ensures: ``process`` takes any text, also none: no module, no resource, or a line that it does not
    know leave a minor out; they never raise.
Fails when: nothing; a resource that is not there is ``absent``.
Refs: drivers/block/drbd/drbd_proc.c of Linux 6.12 (the order of the fields), drbd.conf(5).

The 8.4 module has no JSON, and a call of drbdadm costs a process: /proc/drbd costs one read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

PATH = "/proc/drbd"
"""Not there while the module is not loaded."""

SYNCING = frozenset({"SyncSource", "SyncTarget", "PausedSyncS", "PausedSyncT", "Ahead", "Behind"})
"""A resync is under way, or waits for its turn."""
MEETING = frozenset(
    {"WFBitMapS", "WFBitMapT", "WFSyncUUID", "StartingSyncS", "StartingSyncT", "WFReportParams"}
)
"""Both sides talk, and find out what to send: states of a moment."""
VERIFYING = frozenset({"VerifyS", "VerifyT"})
"""Both copies are compared; meanwhile they are as good as Connected."""


@dataclass(frozen=True, kw_only=True)
class DrbdState:
    """One resource as one node sees it."""

    minor: int
    """Number of the device."""
    cs: str = "Unconfigured"
    """Connection: ``Connected``, ``WFConnection``, ``StandAlone``, ``SyncTarget``..."""
    role: str = "Unknown"
    """``Primary``, ``Secondary`` or ``Unknown``."""
    peer_role: str = "Unknown"
    """The peer's; Unknown while there is no connection."""
    disk: str = "DUnknown"
    """This node's copy: ``UpToDate``, ``Inconsistent``, ``Outdated``, ``Consistent``,
    ``Diskless``, ``Failed``..."""
    peer_disk: str = "DUnknown"
    """The peer's copy, or what this node last knew of it: ``DUnknown``, ``Outdated``..."""
    frozen: bool = False
    """Whether its I/O waits: the peer is being fenced, or a person has said so."""
    oos_kib: int = 0
    """KiB that differ, or may differ, between the copies."""
    sync_percent: float | None = None
    """Progress of a resync; none while there is none."""
    verify_percent: float | None = None
    """Progress of a ``verify``; none while there is none."""
    speed_kib_s: int | None = None
    """Speed of either; none while there is none."""
    finish_s: int | None = None
    """The kernel's guess of how long either will still take."""
    stalled: bool = False
    """The kernel says that either makes no progress."""

    @property
    def configured(self) -> bool:
        """Whether the resource is there at all."""
        return self.cs != "Unconfigured"

    @property
    def linked(self) -> bool:
        """Whether both sides talk to each other."""
        return self.cs == "Connected" or self.cs in SYNCING | MEETING | VERIFYING

    @property
    def syncing(self) -> bool:
        """Whether a resync runs, waits or begins."""
        return self.cs in SYNCING | MEETING

    @property
    def replicated(self) -> bool:
        """Whether a write is on both disks when it is acknowledged, and both copies are whole."""
        return self.linked and self.disk == self.peer_disk == "UpToDate"


def absent(minor: int) -> DrbdState:
    """A resource that the kernel does not have."""
    return DrbdState(minor=minor)


_HEAD = re.compile(
    r"\s*(?P<minor>\d+): cs:(?P<cs>\w+)"
    r"(?: ro:(?P<role>\w+)/(?P<peer_role>\w+) ds:(?P<disk>\w+)/(?P<peer_disk>\w+)"
    # The protocol's letter is a blank while nothing is connected; then r, or s: suspended.
    r"\s+(?:[ABC] )?\s*(?P<io>[rs])?)?"
)
_OOS = re.compile(r"\boos:(\d+)")
_PROGRESS = re.compile(r"\b(sync'ed|verified):\s*([\d.]+)%")
_FINISH = re.compile(r"\bfinish: (\d+):(\d\d):(\d\d) speed: ([\d,]+)")


def script() -> str:
    """Shell text that prints what ``process`` reads; nothing where there is no module."""
    return f"cat {PATH} 2>/dev/null"


def process(lines: Iterable[str]) -> dict[int, DrbdState]:
    """Minor -> state, for every minor in the text; one that is not configured is in it as such."""
    blocks: list[tuple[re.Match[str], list[str]]] = []
    for line in lines:
        head = _HEAD.match(line)
        if head is not None:
            blocks.append((head, []))
        elif blocks:
            blocks[-1][1].append(line)
    return {int(head["minor"]): _state(head, "\n".join(rest)) for head, rest in blocks}


def _state(head: re.Match[str], rest: str) -> DrbdState:
    if head["role"] is None:
        return absent(int(head["minor"]))
    oos, progress, finish = _OOS.search(rest), _PROGRESS.search(rest), _FINISH.search(rest)
    percent = {progress[1]: float(progress[2])} if progress else {}
    return DrbdState(
        minor=int(head["minor"]),
        cs=head["cs"],
        role=head["role"],
        peer_role=head["peer_role"],
        disk=head["disk"],
        peer_disk=head["peer_disk"],
        frozen=head["io"] == "s",
        oos_kib=int(oos[1]) if oos else 0,
        sync_percent=percent.get("sync'ed"),
        verify_percent=percent.get("verified"),
        speed_kib_s=int(finish[4].replace(",", "")) if finish else None,
        finish_s=int(finish[1]) * 3600 + int(finish[2]) * 60 + int(finish[3]) if finish else None,
        stalled="stalled" in rest,
    )
