"""The author's test of document 002, and the faults that an NFS pair was built for."""

from __future__ import annotations

from drills.faults import cut
from drills.running import LiveStack
from drills.wait import wait_until
from drills.workloads.append import longest_gap, lost
from tests.live_nfs.observed import MOVE_S, NODES, holder, in_file, other, powered_off, watching

ASKED_S = 400
"""A node that boots alone asks for a power-off after initdead, 120 s; then it is refused."""


def assert_unchanged(nfs: LiveStack) -> None:
    """A preview has nothing to do, or the failure shows what."""
    preview = nfs.preview()
    assert preview["changes"] == 0, preview["hosts"]


def test_a_second_up_changes_nothing(nfs: LiveStack) -> None:
    assert_unchanged(nfs)
    nfs.up()
    assert_unchanged(nfs)


def test_verify_passes(nfs: LiveStack) -> None:
    nfs.pairwise("verify", "nfs")


def test_heartbeat_stopped_moves_the_group_and_loses_nothing(nfs: LiveStack) -> None:
    """The author's test, there; the way back is the next test's."""
    active, fenced = holder(nfs), powered_off(nfs)
    with watching(nfs) as seen:
        nfs.exec(active, "systemctl stop heartbeat")
        seen.writes.wait_for_more(20, timeout_s=MOVE_S)
        assert holder(nfs) == other(active)
        nfs.exec(active, "systemctl start heartbeat")
    acknowledged = seen.writes.acknowledged_at_end
    seen.assert_never_two_holders()
    assert seen.holders() == [active, other(active)]
    assert lost(acknowledged, in_file(nfs)) == []
    assert powered_off(nfs) == fenced, "an orderly move powers nobody off"


def test_switchover_moves_the_group_and_loses_nothing(nfs: LiveStack) -> None:
    active, fenced = holder(nfs), powered_off(nfs)
    with watching(nfs) as seen:
        nfs.pairwise("switchover", "nfs", other(active))
        seen.writes.wait_for_more(20, timeout_s=MOVE_S)
    acknowledged = seen.writes.acknowledged_at_end
    seen.assert_never_two_holders()
    assert seen.holders() == [active, other(active)]
    assert lost(acknowledged, in_file(nfs)) == []
    assert powered_off(nfs) == fenced
    assert_unchanged(nfs)  # What Heartbeat decides is nobody's drift.
    print(f"longest gap {longest_gap(acknowledged):.1f} s")


def test_power_cut_loses_no_acknowledged_write(nfs: LiveStack) -> None:
    active = holder(nfs)
    with watching(nfs) as seen:
        nfs.crash(active)
        seen.writes.wait_for_more(20, timeout_s=MOVE_S)
    acknowledged = seen.writes.acknowledged_at_end
    seen.assert_never_two_holders()
    assert seen.holders() == [active, other(active)]
    assert lost(acknowledged, in_file(nfs)) == []
    nfs.start(active)
    nfs.wait_until_steady(timeout_s=MOVE_S)
    assert holder(nfs) == other(active), "nothing fails back"
    print(f"longest gap {longest_gap(acknowledged):.1f} s")


def test_both_links_cut_leave_one_node_that_loses_nothing(nfs: LiveStack) -> None:
    """The active node stays, the other one is powered off; started again while the links are still
    cut, it stays passive."""
    active = holder(nfs)
    idle = other(active)
    pair = nfs.node(NODES[0]), nfs.node(NODES[1])
    before = len(powered_off(nfs))
    with watching(nfs) as seen, cut(nfs.netns, pair, ("lan", "repl")):
        seen.writes.wait_for_more(20, timeout_s=MOVE_S)
        assert set(powered_off(nfs)[before:]) == {idle}
        nfs.start(idle)
        words = f"Take-over on {idle} waits for fencing of {active}"
        wait_until(
            lambda: any(words in problem for problem in nfs.status()["problems"]),
            what=f"{idle} to ask in vain",
            timeout_s=ASKED_S,
            every_s=5,
        )
        seen.writes.wait_for_more(20, timeout_s=MOVE_S)
        assert set(powered_off(nfs)[before:]) == {idle}
    acknowledged = seen.writes.acknowledged_at_end
    seen.assert_never_two_holders()
    assert seen.holders() == [active]
    assert lost(acknowledged, in_file(nfs)) == []
    print(f"longest gap {longest_gap(acknowledged):.1f} s")


def test_replication_link_cut_stalls_briefly_and_moves_nothing(nfs: LiveStack) -> None:
    active, fenced = holder(nfs), powered_off(nfs)
    pair = nfs.node(NODES[0]), nfs.node(NODES[1])
    with watching(nfs) as seen, cut(nfs.netns, pair, ("repl",)):
        seen.writes.wait_for_more(100, timeout_s=MOVE_S)
    acknowledged = seen.writes.acknowledged_at_end
    seen.assert_never_two_holders()
    assert seen.holders() == [active]
    assert lost(acknowledged, in_file(nfs)) == []
    assert powered_off(nfs) == fenced
    print(f"longest gap {longest_gap(acknowledged):.1f} s")
