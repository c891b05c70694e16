"""Groups that should have come: asked for again when that is safe, and only then."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bootstrap.blocks.monitor.program.actions import Request, Takeover
from bootstrap.blocks.monitor.program.seen import MountSeen, Observation
from bootstrap.facts.drbd import DrbdState
from tests.monitor.given import (
    ACTIVE,
    CONFIG,
    HERE,
    MYSQL,
    NFS,
    NOWHERE,
    PEER_GONE,
    PEER_OUTDATED,
    THERE,
    Watch,
    node,
    with_disk,
)

REQUEST = Request(group_key="drbddisk::db", node="data1")


def lost(disk: DrbdState = NOWHERE, **changes: object) -> Observation:
    """NFS is on the peer or here; mysql is nowhere, and Heartbeat believes it here."""
    return replace(with_disk(node(), MYSQL, disk), **changes)  # type: ignore[arg-type]


def alone(disk: DrbdState = PEER_OUTDATED, **changes: object) -> Observation:
    """The peer is off; NFS was taken over, mysql's request got lost (ha-notes.md)."""
    seen = with_disk(node(NFS, rscstatus="all", peer="dead"), NFS, replace(disk, role="Primary"))
    return replace(with_disk(seen, MYSQL, disk), **changes)  # type: ignore[arg-type]


def test_given_a_passive_peer_when_the_request_got_lost_then_heartbeat_is_asked_within_5_s() -> (
    None
):
    assert Watch().for_seconds(lost(), 5) == [Takeover(side="local")]


def test_given_a_dead_peer_when_the_request_got_lost_then_this_node_asks_itself() -> None:
    # hb_takeover is a message that the peer answers: one that is off does not.
    assert Watch().for_seconds(alone(), 5) == [REQUEST]


def test_given_the_mark_of_the_fence_when_the_peer_s_disk_is_unknown_then_it_is_proof() -> None:
    assert Watch().for_seconds(alone(PEER_GONE), 60) == []
    assert Watch().for_seconds(alone(PEER_GONE, peer_off=True), 5) == [REQUEST]


def test_given_the_mark_of_the_fence_when_the_peer_is_heard_then_it_is_no_proof() -> None:
    seen = alone(PEER_GONE, peer_off=True, peer="active")
    assert Watch().for_seconds(seen, 60) == []


@pytest.mark.parametrize("peer", ["active", "dead", "up", None])
def test_given_an_unknown_peer_when_the_group_is_nowhere_then_nothing_moves(
    peer: str | None,
) -> None:
    seen = alone(PEER_GONE, peer=peer)
    assert Watch().for_seconds(seen, 120) == []


@pytest.mark.parametrize("peer", ["up", "init", None])
def test_given_a_peer_that_just_joins_when_there_was_proof_before_then_nothing_moves(
    peer: str | None,
) -> None:
    assert Watch().for_seconds(alone(PEER_OUTDATED, peer=peer, peer_off=True), 60) == []


def test_given_the_peer_has_the_group_when_heartbeat_errs_then_nothing_moves() -> None:
    assert Watch().for_seconds(lost(THERE, rscstatus="all"), 120) == []


def test_given_a_transition_when_it_lasts_then_nothing_moves_and_it_is_said() -> None:
    watch = Watch()
    seen = replace(lost(), rscstatus="transition")
    assert watch.for_seconds(seen, 320) == []
    assert "transition-long" in watch.problems()


def test_given_no_answer_of_heartbeat_when_the_group_is_nowhere_then_nothing_moves() -> None:
    assert Watch().for_seconds(replace(lost(), rscstatus=None), 60) == []


@pytest.mark.parametrize(
    ("rscstatus", "asked"), [("all", 1), ("local", 1), ("foreign", 0), ("none", 0)]
)
def test_given_heartbeat_s_word_when_it_covers_the_group_then_alone_it_is_asked_for(
    rscstatus: str, asked: int
) -> None:
    seen = replace(with_disk(node(), MYSQL, NOWHERE), rscstatus=rscstatus)
    assert len(Watch().for_seconds(seen, 5)) == asked


def test_given_both_groups_are_lost_when_the_peer_is_passive_then_one_request_says_all() -> None:
    seen = with_disk(replace(lost(), rscstatus="all"), NFS, NOWHERE)
    assert Watch().for_seconds(seen, 5) == [Takeover(side="all")]


def test_given_a_transition_in_between_when_it_ends_then_the_three_seconds_begin_anew() -> None:
    watch = Watch()
    assert watch.for_seconds(lost(), 3) == []
    watch.sees(replace(lost(), rscstatus="transition"))
    assert watch.for_seconds(lost(), 3) == []
    assert watch.for_seconds(lost(), 1) == [Takeover(side="local")]


def test_given_a_request_when_the_group_comes_then_it_is_told_as_repaired() -> None:
    watch = Watch()
    watch.for_seconds(lost(), 5)
    assert "take-over-lost" in watch.problems("mysql")
    watch.for_seconds(replace(lost(), rscstatus="transition"), 3)
    assert watch.for_seconds(node(MYSQL), 30) == []
    assert watch.problems("mysql") == {"take-over-repaired"}


def test_given_a_request_when_the_group_does_not_come_then_it_is_asked_again_and_then_slowly() -> (
    None
):
    watch = Watch()
    assert len(watch.for_seconds(lost(), 50)) == 3
    assert len(watch.for_seconds(lost(), 120)) == 2
    assert "take-over-lost" in watch.problems("mysql")


def test_given_a_request_that_still_runs_when_the_time_comes_then_none_is_added() -> None:
    seen = lost(running=frozenset({"move"}))
    assert Watch().for_seconds(seen, 60) == []


def test_given_heartbeat_tried_and_gave_up_when_it_is_nowhere_then_its_own_way_goes_first() -> None:
    # ResourceManager hands the group over by itself 30 s after a start that failed.
    watch = Watch()
    watch.for_seconds(lost(rscstatus="transition"), 2)
    partly = lost(HERE, rscstatus="transition", mounts={"/srv/db": MountSeen()})
    watch.for_seconds(partly, 5)
    assert watch.for_seconds(lost(), 40) == []
    assert watch.problems("mysql") == {"not-started"}, "a person reads why it is nowhere"
    assert watch.for_seconds(lost(), 10) == [Takeover(side="local")]


@pytest.mark.parametrize("disk", ["Inconsistent", "Outdated", "Diskless"])
def test_given_a_disk_that_drbd_would_refuse_when_lost_then_no_request_is_made(disk: str) -> None:
    assert Watch().for_seconds(alone(replace(PEER_OUTDATED, disk=disk)), 60) == []


def test_given_no_disk_here_when_the_passive_peer_s_is_good_then_it_may_be_asked_for() -> None:
    seen = lost(replace(NOWHERE, disk="Diskless"))
    assert Watch().for_seconds(seen, 5) == [Takeover(side="local")]


def test_given_the_vip_was_removed_by_hand_when_heartbeat_is_stable_then_it_is_asked_for() -> None:
    seen = node(MYSQL, addresses=frozenset({"10.9.0.11"}))
    assert Watch().for_seconds(seen, 5) == [Takeover(side="local")]


def test_given_a_quiet_pair_when_minutes_pass_then_heartbeat_is_hardly_asked() -> None:
    for seen in (node(MYSQL), node(), alone(units=dict.fromkeys(NFS.watched, ACTIVE))):
        quiet = with_disk(seen, MYSQL, THERE) if MYSQL.mount_point not in seen.mounts else seen
        watch = Watch()
        asked = 0
        for _ in range(300):
            watch.sees(quiet)
            asked += watch.memory.ask
        assert asked <= 11


def test_the_pair_s_words_for_its_groups() -> None:
    assert [CONFIG.side(group) for group in CONFIG.groups] == ["local", "foreign"]
    assert CONFIG.side_of_all((MYSQL,)) == "local"
    assert CONFIG.side_of_all(CONFIG.groups) == "all"
