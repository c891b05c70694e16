"""The appending workload: what it acknowledges is in the file, and its end is noticed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from drills.checkers import lost
from drills.wait import wait_until
from drills.workloads.append import PROGRAM, numbers
from drills.workloads.recorder import recording


def test_what_is_acknowledged_is_in_the_file(tmp_path: Path) -> None:
    file = tmp_path / "numbers"
    with recording([sys.executable, "-c", PROGRAM, str(file), "0.0"]) as recorder:
        recorder.wait_for_more(50, timeout_s=20)
    history = recorder.history()
    assert len(recorder.acknowledged()) >= 50
    assert lost(history, numbers(file.read_text())) == []


def test_a_full_disk_is_no_acknowledgement() -> None:
    with recording([sys.executable, "-c", PROGRAM, "/dev/full", "0.0"]) as recorder:
        wait_until(
            lambda: any(write.error for write in recorder.history()),
            what="a write that is refused",
            timeout_s=20,
        )
    assert recorder.acknowledged() == []
    assert "No space left" in recorder.history()[0].error


def test_a_program_that_ends_by_itself_is_no_wait_without_end() -> None:
    argv = [sys.executable, "-c", "raise SystemExit(3)"]
    with pytest.raises(RuntimeError, match="exit 3"), recording(argv) as recorder:
        recorder.wait_for_more(1, timeout_s=20)


def test_a_shell_s_child_ends_with_it(tmp_path: Path) -> None:
    """`pairwise exec` has ssh as its child: ending the one must end the other."""
    file = tmp_path / "numbers"
    shell = ["sh", "-c", f"{sys.executable} -c '{PROGRAM}' {file} 0.0; true"]
    with recording(shell) as recorder:
        recorder.wait_for_more(5, timeout_s=20)
    size = file.stat().st_size
    recorder.stop()
    assert file.stat().st_size == size


def test_a_half_written_line_is_no_number() -> None:
    assert numbers("1\n2\n\0\0\n3x\n17\n") == [1, 2, 17]


def test_no_line_lies_across_the_end_of_a_block(tmp_path: Path) -> None:
    """A disk that is full ends with a block: what is left of a line there would spoil the next."""
    file = tmp_path / "numbers"
    with recording([sys.executable, "-c", PROGRAM, str(file), "0.0"]) as recorder:
        recorder.wait_for_more(20, timeout_s=20)
    lengths = {len(line) for line in file.read_bytes().splitlines(keepends=True)}
    assert lengths == {64} and 4096 % 64 == 0
