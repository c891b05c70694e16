"""What scenarios read out of logs and journals, by lines of real machines."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import pytest
from typing_extensions import override

from drills.running import LiveStack
from drills.scenarios import changes, links, processes, requests
from drills.scene import DrillFailedError, Mark
from drills.stage import Stage
from drills.subject import Kind, subject_of
from tests.golden.tree import plans

KERNEL = (
    "drbd mysql/0 drbd0: Began resync as SyncTarget (will sync 135168 KB [33792 bits set]).",
    "drbd nfs/0 drbd1: Began resync as SyncTarget (will sync 1280 KB [320 bits set]).",
    "drbd nfs/0 drbd1: Resync done (total 1 sec; paused 0 sec; 1280 K/sec)",
)
MONITOR = (
    "1795271974.535634 data1 python3[703]: says: nfs on data1 has not been connected",
    "1795271975.100000 data1 python3[703]: does: Start(unit='nfsdcld.service', vip='10.71.1.212')",
    "1795271981.250000 data1 python3[703]: does: Takeover(side='local')",
    "1795271981.900000 data1 python3[703]: ended: move with 0",
    "1795271999.000000 data1 python3[703]: does: Request(group_key='drbddisk::db', node='data1')",
)


def stage_of(answer: str = "", log: Sequence[dict[str, Any]] = ()) -> Stage:
    """Stack six whose nodes answer one text, and whose fence endpoint has this log."""

    class Pretended(LiveStack):
        @override
        def exec(self, node: str, command: str, *, check: bool = True) -> str:
            assert node.startswith("data") and command and isinstance(check, bool)
            return answer

        @override
        def fence_requests(self) -> list[dict[str, Any]]:
            return list(log)

    plan = plans()["six"]
    subject = subject_of(plan, "data", Kind.HEARTBEAT)
    unused: Any = None
    stack = Pretended("six", "n", "u")
    said: list[str] = []
    return Stage(stack, plan, "data", ("data1", "data2"), subject, unused, {}, {}, said.append)


def test_the_amount_of_a_resync_is_read_from_the_kernel() -> None:
    text = "\n".join(KERNEL)
    assert re.findall(changes.RESYNC.format(name="mysql"), text) == ["135168"]
    assert re.findall(changes.RESYNC.format(name="nfs"), text) == ["1280"]


def test_a_disk_that_was_copied_in_part_is_no_new_one() -> None:
    stage = stage_of("\n".join(KERNEL).replace("135168", str(511 * 1024)))
    mysql, nfs = stage.data.drbd.resources
    changes._expect_full_resync(stage, "data2", mysql)
    with pytest.raises(DrillFailedError, match="1280 KiB of nfs, which has 256 MiB"):
        changes._expect_full_resync(stage, "data2", nfs)


def test_the_monitor_s_requests_are_read_from_its_journal() -> None:
    stage = stage_of("\n".join(MONITOR))
    found = requests._asked(stage, "data1", since=1795271974.0)
    assert found == [1795271981.25, 1795271999.0]
    assert requests._asked(stage, "data1", since=1795271990.5) == [1795271999.0]


@pytest.mark.parametrize(
    ("lost", "passed", "wrong"),
    [
        (1795271974.0, 1795271990.0, ""),
        (1795271970.0, 1795271990.0, "only after 11.2 s"),
        (1795271974.0, 1795271980.0, "somebody else than the monitor"),
        (None, None, "no request for mysql got lost"),
        (1795271974.0, None, "without a second request"),
    ],
)
def test_a_repair_is_the_monitor_s_and_in_time(
    lost: float | None, passed: float | None, wrong: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = stage_of("\n".join(MONITOR))
    group = stage.disk_group
    seen = {"lost": lost, "passed": passed}
    found = {name: at for name, at in seen.items() if at is not None}
    monkeypatch.setattr(requests, "requests_seen", lambda *_: found)
    if wrong:
        with pytest.raises(DrillFailedError, match=wrong):
            requests._expect_repair(stage, "data1", group)
    else:
        requests._expect_repair(stage, "data1", group)


@pytest.mark.parametrize(
    ("asked", "wrong"),
    [
        ((("data1", 103.5), ("data2", 104.1)), ""),
        ((("data1", 103.5), ("data2", 108.0)), "4.5 s apart"),
        ((("data1", 103.5),), "asked by .'data1'. alone"),
        ((("data2", 90.0), ("data1", 103.5)), "alone"),
    ],
)
def test_both_handlers_must_have_asked_at_the_same_time(
    asked: tuple[tuple[str, float], ...], wrong: str
) -> None:
    stage = stage_of(log=[{"node": node, "time": at} for node, at in asked])
    cut = Mark(at=1.0, wall=100.0, text="both links cut")
    if wrong:
        with pytest.raises(DrillFailedError, match=wrong):
            links._expect_both_asked(stage, cut)
    else:
        links._expect_both_asked(stage, cut)


def test_dopd_is_ready_when_it_says_so_after_it_was_killed() -> None:
    line = (
        "1795271651.722454 data1 /usr/libexec/heartbeat/dopd[492]: debug: Waiting for messages..."
    )
    assert processes._signed_in(stage_of(line), "data1", since=1795271650.5)
    assert not processes._signed_in(stage_of(line), "data1", since=1795271652.0)
    assert not processes._signed_in(stage_of("-- No entries --"), "data1", since=1.0)


def test_no_other_node_may_have_held_a_group(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = stage_of()
    held: list[str] = []
    monkeypatch.setattr(Stage, "held_by", lambda *_, **__: held)
    stage.expect_nobody_took_over("data1")
    held[:] = ["data1"]
    stage.expect_nobody_took_over("data1")
    held[:] = ["data1", "data2"]
    with pytest.raises(DrillFailedError, match="was taken over"):
        stage.expect_nobody_took_over("data1")
