"""What a GTID pair is to a drill, and what is asked of its stage."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from typing_extensions import override

from cli.commands_drill import applying
from drills.drill import Drill
from drills.inside import Sample
from drills.running import LiveStack
from drills.scenarios import source_links
from drills.scene import DrillFailedError
from drills.stage import Stage
from drills.subject import Follower, Kind, Source, Subject, kinds_of, subject_of
from drills.timeline import Event, breakdown
from drills.writers import writer_of
from tests.golden.tree import plans

DUO, SIX = plans()["duo"], plans()["six-gtid"]
SAMPLE = Sample(
    node="a", at=0.0, wall=0.0, boot="b", up=0.0, now=0.0, roles={}, mysqld=(1,), writable=True
)


def of_duo() -> Subject:
    return subject_of(DUO, "duo", Kind.GTID)


def stage_of(subject: Subject, pair: str, nodes: tuple[str, str]) -> tuple[Stage, list[str]]:
    asked: list[str] = []

    class Pretended(LiveStack):
        @override
        def pairwise(self, *arguments: str, **_: Any) -> Any:
            asked.append(" ".join(arguments))

    unused: Any = None
    plan = {"duo": DUO, "data": SIX}[pair]
    stack = Pretended(plan.stack, "n", "u")
    return Stage(stack, plan, pair, nodes, subject, unused, {}, {}, lambda _: None), asked


def test_duo_is_a_source_and_a_vip_that_follows_it() -> None:
    subject = of_duo()
    source, follower = subject.groups
    assert isinstance(source, Source) and isinstance(follower, Follower)
    assert (source.name, follower.name) == ("mysql", "outside")
    assert subject.written == (source,)
    assert subject.vips == {"inside": ("10.73.2.150",), "outside": ("10.73.1.239",)}
    assert subject.links == ("inside", "outside")
    assert subject.dead_s == 18.0
    assert set(subject.invariants) == {"one source"}


def test_six_gtid_has_the_group_under_heartbeat_as_well() -> None:
    subject = subject_of(SIX, "data", Kind.GTID)
    assert [group.name for group in subject.groups] == ["mysql", "nfs"]
    assert [group.name for group in subject.written] == ["mysql", "nfs"]
    assert subject.links == ("lan", "repl")
    assert set(subject.invariants) == {"one source", "one DRBD Primary"}
    assert kinds_of(SIX.deploys["data"]) == (Kind.GTID, Kind.HEARTBEAT)
    assert kinds_of(SIX.deploys["web"]) == ()


def test_balancers_are_drilled_for_their_vips_alone() -> None:
    assert kinds_of(SIX.deploys["lb"]) == (Kind.VRRP,)
    subject = subject_of(SIX, "lb", Kind.VRRP)
    assert [group.name for group in subject.groups] == ["www1", "www2"]
    assert subject.written == () and subject.fence is None and subject.invariants == {}
    assert subject.vips == {"lan": ("10.72.1.201", "10.72.1.202")}
    assert subject.brief_s == 1.0 and subject_of(SIX, "data", Kind.GTID).brief_s == 0.0


def test_who_serves_is_read_from_what_belongs_to_the_vip() -> None:
    subject = subject_of(SIX, "data", Kind.GTID)
    source, nfs = subject.groups
    assert subject.serves(source, SAMPLE)
    assert not subject.serves(source, replace(SAMPLE, writable=False))
    assert not subject.serves(source, replace(SAMPLE, writable=None))
    minor = SIX.nodes["data1"].data.drbd.resources[0].minor  # type: ignore[union-attr]
    assert not subject.serves(nfs, SAMPLE)
    assert subject.serves(nfs, replace(SAMPLE, roles={minor: "Primary"}))
    assert of_duo().serves(of_duo().groups[1], replace(SAMPLE, writable=False))


def test_drills_of_gtid_pairs_apply_to_them_alone() -> None:
    names = {item.name for item in applying(DUO)}
    wanted = {
        "sequence", "source-power-cut", "replica-power-cut", "partition-inside",
        "partition-outside", "partition-both", "sequential-failure", "freeze-half", "freeze-one",
        "freeze-long", "freeze-thaw", "freeze-replica", "errant", "switchover", "source-reboot",
        "replica-reboot", "source-mysqld-killed", "replica-mysqld-killed", "replica-lags",
        "statements", "sequence-there", "source-isolated", "source-isolated-impatient",
        "sequence-unasked", "source-power-cut-late", "source-power-cut-hasty",
        "freeze-thaw-confirmed", "clock-step", "kill-monitor",
    }  # fmt: skip
    # Its nodes are also those that serve pages.
    pages = {"source-nginx-stopped", "source-php-stopped"}
    assert names == wanted | pages
    of_six_gtid = {item.name for item in applying(SIX)}
    assert wanted <= of_six_gtid
    assert not of_six_gtid & pages
    assert "freeze-replica-busy" in of_six_gtid
    of_six = {item.name for item in applying(plans()["six"])}
    assert of_six & wanted == {"switchover", "freeze-half", "freeze-one", "freeze-long",
                               "freeze-thaw", "clock-step", "kill-monitor"}  # fmt: skip


def test_a_pair_without_a_splitter_has_no_drill_of_one() -> None:
    nodes = {name: replace(node, split=None) for name, node in DUO.nodes.items()}
    names = {item.name for item in applying(replace(DUO, nodes=nodes))}
    assert "sequence" in names and not {"replica-lags", "statements"} & names


def test_a_pair_that_is_both_is_drilled_as_a_gtid_pair_where_a_drill_is_for_either() -> None:
    found: dict[str, Drill] = {item.name: item for item in applying(SIX)}
    switchover, power_cut = found["switchover"].pair_of(SIX), found["power-cut"].pair_of(SIX)
    assert switchover is not None and switchover[1].kind is Kind.GTID
    assert power_cut is not None and power_cut[1].kind is Kind.HEARTBEAT


def test_a_source_without_a_client_is_written_to_on_both_its_nodes() -> None:
    writer = writer_of(DUO, "duo", of_duo().groups[0])
    assert writer.clients == ("server1", "server2")
    assert "'{first}' '{step}'" in writer.write and "10.73.2.150" in writer.write
    assert "password" not in writer.write
    assert writer.clear_on_server and "site.pairwise_drill" in writer.clear
    six = subject_of(SIX, "data", Kind.GTID)
    assert writer_of(SIX, "data", six.groups[0]).clients == ("web1",)


def test_inside_is_what_carries_replication() -> None:
    duo, _ = stage_of(of_duo(), "duo", ("server1", "server2"))
    six, _ = stage_of(subject_of(SIX, "data", Kind.GTID), "data", ("data1", "data2"))
    assert (source_links.inside(duo), source_links.outside(duo)) == (("inside",), ("outside",))
    assert (source_links.inside(six), source_links.outside(six)) == (("repl",), ("lan",))
    assert source_links.both(six) == ("lan", "repl")


def test_what_is_quarantined_is_rebuilt_once() -> None:
    stage, asked = stage_of(of_duo(), "duo", ("server1", "server2"))
    stage._rebuild(["server2 acknowledges writes without a replica: x."])
    stage._rebuild(["server1 is quarantined: it has transactions that the source lacks"])
    stage._rebuild(["server1 is quarantined: it has transactions that the source lacks"])
    assert asked == ["replication rebuild duo server1"]
    assert stage.rebuilt == {"server1"}


def test_vips_that_have_been_elsewhere_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    stage, _ = stage_of(of_duo(), "duo", ("server1", "server2"))
    held = {"mysql": ["server1"], "outside": ["server1"]}
    monkeypatch.setattr(Stage, "held_by", lambda _, group, **__: held[group.name])
    stage.expect_with("server1")
    held["outside"] = ["server1", "server2", "server1"]
    with pytest.raises(DrillFailedError, match="outside was held by"):
        stage.expect_with("server1")


def test_the_parts_of_a_promotion_are_read_from_the_reconciler_s_words() -> None:
    lines = (
        (3.0, "pairwise-fence", "server1 is off by itself"),
        (4.0, "python3", "stop-receiver: to be promoted"),
        (4.5, "python3", "open: the peer is off"),
        (6.0, "pairwise-vrrp", "VIP inside on server2: MASTER (priority 100)"),
    )
    events = [Event(at=at, node="server2", source=who, text=text) for at, who, text in lines]
    starts = of_duo().starts(of_duo().groups[0])
    parts = breakdown(events, starts, fault=0.0, first_write=6.2)
    assert parts["promote"] == 2.0
    assert parts["vip"] == 0.2
    assert round(sum(parts.values()), 1) == 6.2
