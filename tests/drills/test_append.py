"""The appending workload: what it acknowledges is in the file, and its end is noticed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from drills.workloads.append import PROGRAM, Acknowledged, appending, longest_gap, lost


def test_what_is_acknowledged_is_in_the_file(tmp_path: Path) -> None:
    file = tmp_path / "numbers"
    with appending([sys.executable, "-c", PROGRAM, str(file), "0.0"]) as appender:
        appender.wait_for_more(50, timeout_s=20)
    writes = appender.acknowledged_at_end
    assert len(writes) >= 50
    assert lost(writes, [int(line) for line in file.read_text().split()]) == []


def test_a_lost_write_and_a_gap_are_found() -> None:
    writes = [Acknowledged(id=n, begun=at, at=at) for n, at in ((1, 1.0), (2, 1.5), (3, 9.5))]
    assert lost(writes, [1, 3]) == [2]
    assert longest_gap(writes) == 8.0


def test_a_program_that_ends_by_itself_is_no_wait_without_end() -> None:
    argv = [sys.executable, "-c", "raise SystemExit(3)"]
    with pytest.raises(RuntimeError, match="exit 3"), appending(argv) as appender:
        appender.wait_for_more(1, timeout_s=20)
