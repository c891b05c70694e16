"""Journals of a real move, cut to what matters, and what is made of them."""

from __future__ import annotations

import json
from dataclasses import replace
from xml.etree import ElementTree as ET

from drills.inside import Sample
from drills.judge import Watched, group_result, reads_outage_s
from drills.picture import picture
from drills.scene import Mark
from drills.subject import Kind, Subject, subject_of
from drills.timeline import breakdown, events_of, group_starts
from drills.workloads.recorder import Write
from stacks.plan_data_types import ServiceGroup
from tests.golden.tree import plans

RUNS = "Running /etc/ha.d//resource.d/"
LINES = (
    (8.0, "heartbeat", "[1699]: WARN: node nfs1: is dead"),
    (9.5, "pairwise-fence", "nfs1 is off: the endpoint has powered it off"),
    (10.0, "ResourceManager(default)", f"info: {RUNS}drbddisk nfs start"),
    (
        11.0,
        "ResourceManager(default)",
        f"info: {RUNS}pwunit srv-nfs.mount nfsdcld.service nfs-server.service start",
    ),
    (12.5, "systemd", "Starting nfsdcld.service - NFSv4 Client Tracking Daemon..."),
    (13.0, "systemd", "Starting nfs-server.service - NFS server and services..."),
    (15.0, "ResourceManager(default)", f"info: {RUNS}pwvip 10.74.1.82/24 lan start"),
)
"""Heartbeat 3.0.6 of Debian 13, by its new holder's clock, which is 3 s behind."""
BEHIND_S = 3.0


def group() -> ServiceGroup:
    data = plans()["nfs"].nodes["nfs1"].data
    assert data is not None
    return data.groups[0]


def subject() -> Subject:
    return subject_of(plans()["nfs"], "nfs", Kind.HEARTBEAT)


def journal(*, zero: float, without: str = "nothing") -> str:
    entries = [
        {
            "__REALTIME_TIMESTAMP": str(int((zero + at - BEHIND_S) * 1e6)),
            "SYSLOG_IDENTIFIER": source,
            "MESSAGE": text,
        }
        for at, source, text in LINES
        if without not in source and without not in text
    ]
    return "\n".join([*(json.dumps(entry) for entry in entries), "-- no entries --"])


def test_the_parts_of_a_power_cut_add_up_to_the_outage() -> None:
    events = events_of("nfs2", journal(zero=1000.0), offset=BEHIND_S)
    parts = breakdown(events, group_starts(group()), fault=1000.0, first_write=1016.2)
    assert parts == {
        "detect": 8.0, "fence": 2.0, "promote": 1.0, "mount": 1.5, "start": 2.5, "vip": 1.2,
    }  # fmt: skip
    assert round(sum(parts.values()), 2) == 16.2


def test_an_orderly_move_has_no_fence() -> None:
    text = journal(zero=1000.0, without="nfs1")
    parts = breakdown(
        events_of("nfs2", text, offset=BEHIND_S),
        group_starts(group()),
        fault=1000.0,
        first_write=1016.0,
    )
    assert "fence" not in parts
    assert parts["detect"] == 10.0


def watched(*, moves: bool) -> Watched:
    """Writes until 20.0, none until 36.2 and again; the fault is at 20.1, all walls 1000 more."""
    vip = str(group().vip)
    times = [n / 5 for n in range(101)] + [36.2 + n / 5 for n in range(50)]
    holders = [(1000.0, "52:a"), (1035.0, "52:b" if moves else "52:a")]
    return Watched(
        nodes=("nfs1", "nfs2"),
        marks=[Mark(at=20.1, wall=1020.1, text="power of nfs1 cut")],
        arp=[{"at": at, "vip": vip, "sequence": 1, "macs": [mac]} for at, mac in holders],
        samples=[
            Sample(
                node="nfs1",
                at=1.0,
                wall=1001.0,
                boot="b",
                up=1,
                now=1,
                roles={0: "Primary"},
                mysqld=(),
            )
        ],
        histories={
            "nfs": [
                Write(id=n, invoked=at, ended=at, outcome="ok") for n, at in enumerate(times, 1)
            ]
        },
        found={"nfs": range(1, len(times) + 1)},
        ended=47.0,
        wall_offset=1000.0,
    )


def test_the_outage_runs_from_the_last_good_write_to_the_first() -> None:
    events = {"52:b": events_of("nfs2", journal(zero=1020.1), offset=BEHIND_S)}
    found = group_result(watched(moves=True), subject(), group(), events)
    assert (found.outage_s, found.acknowledged, found.lost) == (16.2, 151, 0)
    assert found.breakdown["detect"] == 8.0
    assert round(sum(found.breakdown.values()), 1) == 16.1


def test_reads_are_measured_from_the_fault_on_where_a_splitter_is_read_through() -> None:
    without = watched(moves=True)
    assert reads_outage_s(without) is None
    seen = replace(without, reads=[*without.histories["nfs"], Write(id=999, invoked=50.0)])
    assert reads_outage_s(seen) == 16.2


def test_what_does_not_come_back_is_away_until_the_end() -> None:
    seen = watched(moves=True)
    good = [w for w in seen.histories["nfs"] if w.ended is not None and w.ended < 25]
    bad = [Write(id=900 + n, invoked=25.0 + n, ended=25.5 + n, outcome="failed") for n in range(20)]
    away = round(seen.ended - max(w.ended for w in good if w.ended is not None), 2)
    assert away > 16.2
    assert reads_outage_s(replace(seen, reads=[*good, *bad])) == away
    never = replace(seen, histories={"nfs": [*good, *bad]})
    found = group_result(never, subject(), group(), {})
    assert (found.outage_s, found.breakdown) == (away, {})
    fault = seen.marks[0].at
    assert reads_outage_s(replace(seen, reads=bad)) == round(seen.ended - fault, 2)


def test_a_stall_without_a_move_has_no_parts() -> None:
    events = {"52:a": events_of("nfs1", journal(zero=1020.1), offset=BEHIND_S)}
    assert group_result(watched(moves=False), subject(), group(), events).breakdown == {}


def test_the_picture_is_svg_with_a_lane_for_each_thing() -> None:
    timeline = {
        "marks": [[0.0, "power of <nfs1> cut"], [20.0, "started"]],
        "holders": {"10.74.1.82": [[-5, ["52:a"]], [10, []], [15, ["52:b"]]]},
        "primaries": {"nfs2 minor 0": [[-5, "Secondary"], [12, "Primary"]]},
        "sources": {"nfs1": [[-5, True], [9, False]]},
        "writes": {"nfs": [[-1.0, "ok"], [16.0, "ok"], [9.0, "unknown"]]},
        "reads": [[3.0, "failed"]],
    }
    text = picture(timeline, {"52:a": "nfs1", "52:b": "nfs2", "10.74.1.82": "VIP nfs"})
    shown = [node.text or "" for node in ET.fromstring(text).iter() if node.text]
    joined = " ".join(shown)
    for words in (
        "VIP nfs",
        "writes to nfs",
        "reads",
        "Primary: nfs2 minor 0",
        "source: nfs1",
        "power of <nfs1> cut",
    ):
        assert words in joined
