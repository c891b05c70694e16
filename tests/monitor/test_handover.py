"""Groups that leave: to a peer that can take them, once each way, and never in between."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bootstrap.blocks.monitor.program.actions import Standby, Start
from bootstrap.blocks.monitor.program.memory import Memory, Move, dump, restore
from bootstrap.blocks.monitor.program.seen import Holding, Observation
from bootstrap.facts.drbd import DrbdState
from tests.monitor.given import (
    FAILED,
    HERE,
    MYSQL,
    NFS,
    PEER_GONE,
    PEER_OUTDATED,
    Watch,
    node,
    with_disk,
    with_unit,
)

UP = node(MYSQL)
DOWN = with_unit(UP, "mysql.service", FAILED)
BOTH = node(MYSQL, NFS, rscstatus="all")


def worn_out(down: Observation = DOWN) -> Watch:
    """A monitor that has started the daemon twice, in vain."""
    watch = Watch()
    up = replace(down, units={**down.units, "mysql.service": UP.units["mysql.service"]})
    for _ in range(2):
        watch.sees(down)
        watch.sees(up, after=5)
    return watch


def gone(watch: Watch) -> None:
    """Heartbeat moves mysql to the peer."""
    watch.for_seconds(replace(UP, addresses=frozenset(), rscstatus="transition"), 5)
    watch.for_seconds(replace(node(), rscstatus="none"), 20)


def came(watch: Watch, *, rscstatus: str = "local") -> None:
    """Heartbeat brings mysql here."""
    watch.for_seconds(replace(UP, addresses=frozenset(), rscstatus="transition"), 5)
    watch.for_seconds(replace(UP, rscstatus=rscstatus), 5)


@pytest.mark.parametrize(
    ("seen", "side"),
    [
        (DOWN, "local"),
        (with_unit(BOTH, "mysql.service", FAILED), "local"),
        (
            with_unit(with_unit(BOTH, "mysql.service", FAILED), "nfsdcld.service", FAILED),
            "all",
        ),
    ],
    ids=["its only group", "one of two", "both"],
)
def test_given_a_broken_group_when_handed_over_then_by_heartbeat_s_word(
    seen: Observation, side: str
) -> None:
    watch = Watch()
    mended = replace(seen, units=dict.fromkeys(seen.units, UP.units["mysql.service"]))
    for _ in range(2):
        watch.sees(seen)
        watch.sees(mended, after=5)
    assert watch.for_seconds(seen, 3) == [Standby(side=side)]


@pytest.mark.parametrize("cs", ["VerifyS", "VerifyT"])
def test_given_the_copies_are_being_compared_when_broken_then_it_is_handed_over(cs: str) -> None:
    compared = with_disk(DOWN, MYSQL, replace(HERE, cs=cs, role="Primary"))
    assert Standby(side="local") in worn_out().for_seconds(compared, 50)


def test_given_the_broken_group_prefers_the_peer_when_handed_over_then_it_is_foreign() -> None:
    seen = with_unit(BOTH, "nfsdcld.service", FAILED)
    watch = Watch()
    for _ in range(2):
        watch.sees(seen)
        watch.sees(BOTH, after=5)
    assert watch.for_seconds(seen, 3) == [Standby(side="foreign")]


def test_given_a_transition_when_a_group_is_broken_then_it_waits_without_a_word() -> None:
    watch = worn_out()
    moving = replace(DOWN, rscstatus="transition")
    assert watch.for_seconds(moving, 4) == []
    assert watch.for_seconds(DOWN, 1) == [Standby(side="local")]


@pytest.mark.parametrize("peer", ["dead", "up", "init"])
def test_given_the_peer_s_heartbeat_is_not_active_when_broken_then_it_stays_and_says_why(
    peer: str,
) -> None:
    watch = worn_out()
    found = watch.for_seconds(replace(DOWN, peer=peer), 10)
    assert Standby(side="local") not in found
    (problem,) = (p for p in watch.memory.problems.values() if p.id == "service-failed")
    assert f"Heartbeat of data2 is {peer}" in problem.text


@pytest.mark.parametrize(
    "disk",
    [
        PEER_GONE,
        PEER_OUTDATED,
        replace(HERE, peer_disk="Inconsistent"),
        replace(HERE, cs="SyncSource", peer_disk="Inconsistent"),
        replace(HERE, cs="WFConnection"),
    ],
    ids=["gone", "outdated", "inconsistent", "resync", "not connected"],
)
def test_given_the_peer_has_no_good_disk_when_broken_then_it_stays(disk: DrbdState) -> None:
    watch = worn_out()
    found = watch.for_seconds(with_disk(DOWN, MYSQL, replace(disk, role="Primary")), 50)
    assert not [action for action in found if not isinstance(action, Start)]
    assert "service-failed" in watch.problems("mysql")


def test_given_it_must_stay_when_a_minute_passes_then_it_is_started_again() -> None:
    watch = worn_out()
    alone = replace(DOWN, peer="dead")
    assert watch.for_seconds(alone, 20) == []
    found = []
    for _ in range(60):
        found += watch.sees(alone)
        assert "service-failed" in watch.problems("mysql"), "it does not flicker with each try"
    assert found and all(isinstance(action, Start) for action in found)
    watch.sees(UP)
    assert "service-failed" not in watch.problems("mysql")


def test_given_a_request_to_leave_when_it_has_not_begun_then_it_is_asked_again_later() -> None:
    watch = worn_out()
    assert watch.for_seconds(DOWN, 2) == [Standby(side="local")]
    early = watch.for_seconds(DOWN, 28)
    assert Standby(side="local") not in early
    # By then the two starts are forgotten: it is tried once more before it leaves.
    assert Standby(side="local") in watch.for_seconds(DOWN, 90)


def test_given_one_hand_over_by_each_node_when_it_fails_again_then_it_stays_put() -> None:
    watch = worn_out()
    assert watch.for_seconds(DOWN, 2) == [Standby(side="local")]
    gone(watch)
    came(watch)
    for _ in range(2):
        watch.sees(DOWN)
        watch.sees(UP, after=5)
    found = watch.for_seconds(DOWN, 120)
    assert found and all(isinstance(action, Start) for action in found)
    assert "stays-put" in watch.problems("mysql")


def test_given_a_hand_over_ten_minutes_ago_when_it_fails_again_then_it_may_leave() -> None:
    watch = worn_out()
    watch.for_seconds(DOWN, 2)
    gone(watch)
    came(watch)
    watch.sees(UP, after=600)
    for _ in range(2):
        watch.sees(DOWN)
        watch.sees(UP, after=5)
    assert watch.for_seconds(DOWN, 3) == [Standby(side="local")]


def test_given_the_group_came_from_a_peer_that_gave_it_up_when_broken_then_it_may_leave_once() -> (
    None
):
    # This is the other node's side of the ping-pong: its own hand-over is the second one.
    watch = Watch()
    watch.for_seconds(node(), 5)
    came(watch)
    assert [m.group for m in watch.memory.arrivals] == ["mysql"]
    for _ in range(2):
        watch.sees(DOWN)
        watch.sees(UP, after=5)
    assert watch.for_seconds(DOWN, 3) == [Standby(side="local")]


def test_given_the_process_is_started_anew_when_it_reads_its_file_then_it_still_stays_put() -> None:
    watch = worn_out()
    watch.for_seconds(DOWN, 2)
    gone(watch)
    came(watch)
    again = Watch(restore(dump(watch.memory, wall=watch.wall)))
    again.wall = watch.wall
    assert again.memory.was == {"mysql": Holding.HELD}
    for _ in range(2):
        again.sees(DOWN)
        again.sees(UP, after=5)
    assert Standby(side="local") not in again.for_seconds(DOWN, 10)
    assert "stays-put" in again.problems("mysql")


def test_given_old_moves_when_written_then_they_are_left_out() -> None:
    memory = Memory(handovers=(Move(group="mysql", wall=1.0), Move(group="nfs", wall=9000.0)))
    assert dump(memory, wall=10_000.0)["handovers"] == [{"group": "nfs", "wall": 9000.0}]


def test_given_a_damaged_file_when_read_then_nothing_is_remembered() -> None:
    assert restore({"handovers": [{"group": "mysql"}], "arrivals": [], "held": []}) == Memory()
    assert restore({}) == Memory()
