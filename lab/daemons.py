"""Processes of the lab that outlive the command that started them, found again by pid file.

A process is ours only when its start time is the one that was recorded: a pid may have been given
to somebody else's process since. Nothing is ever looked up or ended by its name.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from lab.waiting import wait_until

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
        end([pid])
    for path in (pid_file, pid_file.with_suffix(".started")):
        path.unlink(missing_ok=True)


def end(pids: Sequence[int]) -> None:
    """Ask processes to end, kill those that do not, and return when they have gone."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        # The start time tells a process from a later one that was given its pid.
        left = {pid: started for pid in pids if (started := start_time(pid)) is not None}
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        if wait_until(partial(_gone, left), timeout_s=STOP_S):
            return


def _gone(processes: Mapping[int, str]) -> bool:
    return all(start_time(pid) != started for pid, started in processes.items())
