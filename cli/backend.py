"""The engine's state on disk: stale locks, operations that an ended run left, salt, age.

State is kept in files (Pulumi's DIY backend): a checkpoint per stack and, while an update runs, a
lock that names its process. A killed engine leaves both its lock and a list of operations that it
had begun; the next run must not ask a person about either when this machine can tell.
"""

from __future__ import annotations

import json
import os
import socket
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

PROJECT = "pairwise"
"""Name in Pulumi.yaml; a folder of the backend."""


@dataclass(frozen=True, kw_only=True)
class Lock:
    """One lock file of the backend."""

    path: Path
    """The file."""
    pid: int
    """Process that holds it."""
    host: str
    """Host name of the machine that the process runs on."""
    taken_at: float
    """Seconds since the epoch; 0 where the file does not say it."""


def checkpoint_file(state: Path, stack: str) -> Path:
    """File with the state of a stack."""
    return state / ".pulumi" / "stacks" / PROJECT / f"{stack}.json"


def locks(state: Path, stack: str) -> list[Lock]:
    """Locks of a stack; a file that cannot be read counts as held by process 0 elsewhere."""
    folder = state / ".pulumi" / "locks" / "organization" / PROJECT / stack
    return [_read_lock(path) for path in sorted(folder.glob("*.json"))]


def _read_lock(path: Path) -> Lock:
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        taken = datetime.fromisoformat(content["timestamp"]).timestamp()
        return Lock(path=path, pid=content["pid"], host=content["hostname"], taken_at=taken)
    except (OSError, ValueError, KeyError, TypeError):
        return Lock(path=path, pid=0, host="", taken_at=0)


def is_stale(lock: Lock, *, proc: Path = Path("/proc"), host: str | None = None) -> bool:
    """Whether the lock's process ran on this machine and is gone.

    A process that was started after the lock was taken has only inherited the number.
    """
    if lock.pid <= 0 or lock.host != (host or socket.gethostname()):
        return False
    stat = proc / str(lock.pid) / "stat"
    try:
        fields = stat.read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return True
    if fields[0] in ("Z", "X"):  # proc(5): zombie or dead: it holds nothing any more
        return True
    ticks = int(fields[19])  # proc(5): field 22, start time in ticks after boot
    started = _boot_time(proc) + ticks / os.sysconf("SC_CLK_TCK")
    return lock.taken_at > 0 and started > lock.taken_at + 1


def _boot_time(proc: Path) -> float:
    for line in (proc / "stat").read_text(encoding="utf-8").splitlines():
        if line.startswith("btime "):
            return float(line.split()[1])
    return 0.0


def remove_stale_locks(state: Path, stack: str) -> list[Lock]:
    """Remove the locks of processes that are gone; returns those removed."""
    stale = [lock for lock in locks(state, stack) if is_stale(lock)]
    for lock in stale:
        lock.path.unlink(missing_ok=True)
    return stale


def checkpoint(state: Path, stack: str) -> dict[str, Any]:
    """The newest deployment of a stack; empty when there is none."""
    try:
        content = json.loads(checkpoint_file(state, stack).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    latest = content.get("checkpoint", {}).get("latest")
    return latest if isinstance(latest, dict) else {}


def pending(deployment: dict[str, Any]) -> list[str]:
    """Operations that an ended run had begun, as ``creating lb1``."""
    found = deployment.get("pending_operations") or []
    return [f"{item['type']} {item['resource']['urn'].rpartition('::')[2]}" for item in found]


def salt(deployment: dict[str, Any]) -> str | None:
    """The encryption salt that the state was written with."""
    providers = deployment.get("secrets_providers") or {}
    found = (providers.get("state") or {}).get("salt")
    return found if isinstance(found, str) else None
