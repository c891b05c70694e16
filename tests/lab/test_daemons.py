"""Only a process that was started here is ever ended."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import daemons
from lab.waiting import wait_until


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "60"]) as process:
        yield process
        process.kill()


def test_a_recorded_process_is_found_and_ended(
    tmp_path: Path, sleeper: subprocess.Popen[bytes]
) -> None:
    pid_file = tmp_path / "x.pid"
    assert daemons.running(pid_file) is None
    daemons.record(pid_file, sleeper.pid)
    assert daemons.running(pid_file) == sleeper.pid
    daemons.stop(pid_file)
    assert sleeper.wait(timeout=5) == -signal.SIGTERM
    assert daemons.running(pid_file) is None
    assert list(tmp_path.iterdir()) == []


def test_a_pid_that_was_given_to_another_process_is_left_alone(
    tmp_path: Path, sleeper: subprocess.Popen[bytes]
) -> None:
    pid_file = tmp_path / "x.pid"
    pid_file.with_suffix(".started").write_text(f"{sleeper.pid} 1\n")
    assert daemons.running(pid_file) is None
    daemons.stop(pid_file)
    assert sleeper.poll() is None


@pytest.mark.parametrize("text", ["", "nonsense", "1 2 3"])
def test_a_damaged_record_is_no_process(tmp_path: Path, text: str) -> None:
    pid_file = tmp_path / "x.pid"
    pid_file.with_suffix(".started").write_text(text)
    assert daemons.running(pid_file) is None


def test_who_ignores_the_request_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(daemons, "STOP_S", 0.3)
    argv = ["sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.1; done"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        daemons.end([process.pid])
        assert process.wait(timeout=5) == -signal.SIGKILL


def test_nobody_to_end() -> None:
    daemons.end([])


def test_start_time_survives_a_name_with_brackets(tmp_path: Path) -> None:
    """The second field of /proc/PID/stat is the program's name, which may hold anything."""
    program = tmp_path / "a) S 1 (b"
    program.symlink_to("/bin/sleep")
    with subprocess.Popen([str(program), "60"]) as process:
        started = daemons.start_time(process.pid)
        process.kill()
    assert started is not None
    assert started.isdigit()
    assert daemons.start_time(process.pid) is None
    assert daemons.start_time(os.getpid()) is not None


def test_waiting_looks_once_more_at_the_end() -> None:
    looks: list[int] = []

    def condition() -> bool:
        looks.append(1)
        return False

    assert wait_until(condition, timeout_s=0) is False
    assert len(looks) == 1
    assert wait_until(lambda: True, timeout_s=0) is True
