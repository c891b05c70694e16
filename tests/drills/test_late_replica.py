"""A replica that is late when its source dies: what counts as opened too early."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from drills.invariants import Verdict
from drills.running import LiveStack
from drills.scenarios.late_replica import APPLIED, READ, _expect_closed, _expect_read
from drills.scene import DrillFailedError
from drills.stage import Stage
from drills.subject import Kind, subject_of
from drills.workloads.recorder import Write
from tests.golden.tree import plans

CUT = 100.0


def stage_of(
    *, writes: list[Write] | None = None, writable: list[bool | None] | None = None
) -> Stage:
    """Stack duo after the cut, with these writes, and server2 seen so once a second since then."""
    plan = plans()["duo"]
    pair = next(name for name, part in plan.deploys.items() if part.first.gtid is not None)
    samples = [
        SimpleNamespace(at=CUT + second, writable=seen)
        for second, seen in enumerate(writable or [], 1)
    ]
    watches: Any = {"server2": SimpleNamespace(samples=lambda: samples)}
    recorded: Any = {"mysql": SimpleNamespace(history=lambda: writes or [])}
    unused: Any = None
    subject = subject_of(plan, pair, Kind.GTID)
    stack = LiveStack("duo", "n", "u")
    said: list[str] = []
    nodes = ("server1", "server2")
    return Stage(stack, plan, pair, nodes, subject, unused, watches, recorded, said.append)


def wrote(number: int, at: float, rows: int | None = None) -> Write:
    return Write(id=number, invoked=at, ended=at + 0.1, outcome="ok", rows=rows)


BEFORE = [wrote(number, 10.0 + number) for number in range(50)]


@pytest.mark.parametrize(
    ("looks", "verdict"), [([51, 52], Verdict.PASS), ([12, 52], Verdict.FAIL), ([50], Verdict.FAIL)]
)
def test_the_first_to_write_finds_what_was_acknowledged(looks: list[int], verdict: Verdict) -> None:
    after = [wrote(900 + n, CUT + 30 + n, rows) for n, rows in enumerate(looks)]
    stage = stage_of(writes=[*BEFORE, *after, wrote(990, CUT + 40)])
    _expect_read(stage, cut=CUT)
    assert stage.own[READ].verdict is verdict


def test_where_nobody_has_looked_nothing_is_known() -> None:
    with pytest.raises(DrillFailedError, match="no client of mysql has looked"):
        _expect_read(stage_of(writes=[*BEFORE, wrote(900, CUT + 30)]), cut=CUT)


@pytest.mark.parametrize(
    ("seen", "verdict"), [([False, None, False], Verdict.PASS), ([False, True], Verdict.FAIL)]
)
def test_it_takes_no_writes_while_it_is_late(seen: list[bool | None], verdict: Verdict) -> None:
    stage = stage_of(writable=seen)
    _expect_closed(stage, "server2", since=CUT)
    assert stage.own[APPLIED].verdict is verdict
    with pytest.raises(DrillFailedError, match="nothing was seen"):
        _expect_closed(stage_of(), "server2", since=CUT)
