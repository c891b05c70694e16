"""Processes of the lab that outlive the command that started them, found again by pid file.

A process is ours only when its start time is the one that was recorded: a pid may have been given
to somebody else's process since. Nothing is ever looked up or ended by its name.
"""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

STOP_S = 20.0
"""How long a daemon may take to end before it is killed."""
START_TIME_FIELD = 19
"""Index of starttime in /proc/PID/stat, counted after the command's name (proc(5), field 22)."""


def start_time(pid: int) -> str | None:
    """Start time of a process in clock ticks since boot; none when there is no such process."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = text.rsplit(")", 1)[1].split()
    return None if fields[0] == "Z" else fields[START_TIME_FIELD]


def record(pid_file: Path, pid: int) -> None:
    """Write down a process so that it can be found again."""
    pid_file.with_suffix(".started").write_text(f"{pid} {start_time(pid) or '-'}\n")


def running(pid_file: Path) -> int | None:
    """Pid of the recorded process, when it still runs and is the same one."""
    try:
        pid_text, started = pid_file.with_suffix(".started").read_text().split()
    except (OSError, ValueError):
        return None
    return int(pid_text) if start_time(int(pid_text)) == started else None


def stop(pid_file: Path) -> None:
    """End the recorded process, if it still runs, and forget it."""
    pid = running(pid_file)
    if pid is not None:
        os.kill(pid, signal.SIGTERM)
        if not _gone(pid, within_s=STOP_S):
            os.kill(pid, signal.SIGKILL)
            _gone(pid, within_s=STOP_S)
    for path in (pid_file, pid_file.with_suffix(".started")):
        path.unlink(missing_ok=True)


def _gone(pid: int, *, within_s: float) -> bool:
    deadline = time.monotonic() + within_s
    while start_time(pid) is not None:
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.05)
    return True
