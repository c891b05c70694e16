"""Named problems: when each appears and ends, what is told, and what the status file holds."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from bootstrap.blocks.monitor.program import problems
from bootstrap.blocks.monitor.program.actions import Tell
from bootstrap.blocks.monitor.program.seen import MountSeen, Now, Observation
from bootstrap.blocks.monitor.program.status import status
from bootstrap.facts.drbd import DrbdState, absent
from bootstrap.shared import pairs
from tests.monitor.given import (
    CONFIG,
    HERE,
    MYSQL,
    PEER_GONE,
    THERE,
    Watch,
    node,
    with_disk,
)


def disk(state: DrbdState) -> Observation:
    return with_disk(node(MYSQL), MYSQL, state)


RESYNC = replace(
    HERE, cs="SyncTarget", disk="Inconsistent", oos_kib=4096, sync_percent=50.1, speed_kib_s=10224
)


@pytest.mark.parametrize(
    ("state", "name"),
    [
        (replace(HERE, disk="Diskless"), "disk-diskless"),
        (replace(HERE, disk="Failed"), "disk-diskless"),
        (replace(THERE, disk="Inconsistent"), "disk-inconsistent"),
        (replace(HERE, oos_kib=8), "out-of-sync"),
        (replace(PEER_GONE, role="Primary", cs="StandAlone"), "split-brain"),
        (replace(PEER_GONE, role="Primary"), "not-replicated"),
        (absent(0), "disk-missing"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_disk_s_state_has_a_name_and_ends(state: DrbdState, name: str) -> None:
    watch = Watch()
    watch.for_seconds(disk(state), 12)
    assert watch.problems("mysql") - {"partly-held"} == {name}
    assert watch.told(disk(HERE)) == [f"{name}-ended"]
    assert watch.problems() == set()


def test_a_resync_is_no_problem() -> None:
    watch = Watch()
    watch.for_seconds(disk(RESYNC), 60)
    assert watch.problems() == set()


def test_a_verify_that_still_runs_is_no_problem() -> None:
    watch = Watch()
    watch.for_seconds(disk(replace(HERE, cs="VerifyS", oos_kib=8)), 60)
    assert watch.problems() == set()


def test_a_short_break_of_the_link_is_no_problem() -> None:
    watch = Watch()
    watch.for_seconds(disk(replace(PEER_GONE, role="Primary")), 10)
    watch.sees(disk(HERE))
    watch.for_seconds(disk(replace(PEER_GONE, role="Primary")), 10)
    assert watch.problems() == set()


@pytest.mark.parametrize(
    ("mount", "name"),
    [
        (MountSeen(free_percent=4.9), "file-system-full"),
        (MountSeen(read_only=True, free_percent=50.0), "file-system-read-only"),
    ],
)
def test_a_file_system_that_takes_no_writes_is_named(mount: MountSeen, name: str) -> None:
    watch = Watch()
    watch.sees(node(MYSQL, mounts={"/srv/db": mount}))
    assert watch.problems("mysql") == {name}
    watch.sees(node(MYSQL, mounts={"/srv/db": MountSeen(free_percent=5.0)}))
    assert watch.problems() == set()


def test_a_take_over_that_waits_for_fencing_names_the_command() -> None:
    watch = Watch()
    watch.sees(node(fence_waiting="the fence endpoint says: nothing"))
    (problem,) = watch.memory.problems.values()
    assert problem.id == "fence-waiting"
    assert "the fence endpoint says: nothing" in problem.text
    assert problem.command == "pairwise fence confirm six data2"


def test_a_node_that_booted_alone_is_not_told_to_call_its_peer_off() -> None:
    """Its copy may be the older one: that the peer is off says nothing of that."""
    assert pairs.NOT_MET == problems.NOT_MET
    watch = Watch()
    watch.sees(node(fence_waiting=f"data1 {pairs.NOT_MET} data2 since it booted"))
    (problem,) = watch.memory.problems.values()
    assert "data2, which may have newer data, is to be started" in problem.text
    assert problem.command == "pairwise start six data2"


def test_a_group_in_pieces_is_named_after_a_minute() -> None:
    watch = Watch()
    watch.for_seconds(node(MYSQL, mounts={}), 50)
    assert "partly-held" not in watch.problems()
    watch.for_seconds(node(MYSQL, mounts={}), 15)
    assert "partly-held" in watch.problems("mysql")


def test_a_problem_is_told_once_and_keeps_its_beginning() -> None:
    watch = Watch()
    full = node(MYSQL, mounts={"/srv/db": MountSeen(free_percent=4.0)})
    assert watch.told(full) == ["file-system-full"]
    since = watch.wall
    for free in (3.0, 2.0, 1.0):
        assert watch.told(node(MYSQL, mounts={"/srv/db": MountSeen(free_percent=free)})) == []
    (problem,) = watch.memory.problems.values()
    assert problem.since == since


def test_what_is_told_names_the_group_s_address() -> None:
    watch = Watch()
    found = watch.does(disk(replace(HERE, disk="Diskless")))
    (tell,) = (action for action in found if isinstance(action, Tell))
    assert (tell.vip, tell.state) == (MYSQL.vip, "disk-diskless")
    assert tell.text.startswith("The backing disk of db on data1 is detached")


def test_every_text_is_one_sentence_and_needs_no_quotes() -> None:
    watch = Watch()
    texts = []
    for state in (replace(HERE, disk="Diskless", oos_kib=4), PEER_GONE, absent(0)):
        watch.for_seconds(disk(state), 12)
        texts += [problem.text for problem in watch.memory.problems.values()]
    assert texts
    for text in texts:
        assert text.endswith(".") and "\n" not in text and ". " not in text, text


def test_the_status_file_says_it_all() -> None:
    watch = Watch()
    seen = with_disk(node(MYSQL), MYSQL, replace(RESYNC, role="Primary"))
    watch.sees(seen)
    found = status(CONFIG, watch.memory, seen, Now(mono=watch.mono + 2, wall=watch.wall))
    assert json.loads(json.dumps(found)) == {**found, "groups": list(found["groups"])}
    mysql, nfs = found["groups"]
    assert (found["heartbeat"], found["rscstatus"], found["rscstatus_age_s"]) == (
        "active",
        "local",
        2.0,
    )
    assert (mysql["holding"], mysql["mounted"], mysql["vip_here"]) == ("held", True, True)
    assert mysql["units"] == {"mysql.service": "active"}
    assert (mysql["drbd"]["sync_percent"], mysql["drbd"]["speed_kib_s"]) == (50.1, 10224)
    assert (nfs["holding"], nfs["mounted"], nfs["arrived"]) == ("absent", False, None)
    assert mysql["arrived"] == watch.wall


def test_a_dead_client_link_is_named_until_it_lives() -> None:
    watch = Watch()
    watch.for_seconds(replace(node(MYSQL), ping="dead"), 7)
    assert "ping-dead" in watch.problems()
    watch.for_seconds(replace(node(MYSQL), ping="ping"), 2)
    assert "ping-dead" not in watch.problems()


def test_a_dead_client_link_moves_nothing_by_the_monitor() -> None:
    """ipfail compares both nodes' links; the monitor sees one and leaves the groups."""
    watch = Watch()
    assert watch.for_seconds(replace(node(MYSQL), ping="dead"), 60) == []
