"""Status of a GTID pair: who is source, how far the replica is behind, what is wrong."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from cli.status_gtid import judge_replication
from cli.status_judge import Seen, _vrrp_group
from cli.status_read import NodeAnswer, parse, script
from tests.golden.tree import plans

DUO = plans()["duo"].slice("duo")


def says(role: str, *problems: str, **more: Any) -> NodeAnswer:
    words = {
        "role": role,
        "alone": False,
        "lag_s": 0.0 if role == "replica" else None,
        "problems": [
            {"id": text, "text": text, "command": "pairwise start duo x"} for text in problems
        ],
        **more,
    }
    return NodeAnswer(reachable=True, gtid=words)


def test_steady_state_is_healthy_and_says_who_is_source() -> None:
    groups, problems = judge_replication(
        "duo", DUO, {"server1": says("source"), "server2": says("replica")}
    )
    assert problems == []
    (group,) = groups
    assert (group["kind"], group["active"], group["backup"]) == ("gtid", "server1", "server2")
    assert group["details"] == "server1 source, server2 replica 0.0 s behind"


@pytest.mark.parametrize(
    ("one", "other", "words"),
    [
        (says("source"), says("source"), "on server1 and server2 at once"),
        (says("replica"), says("unknown"), "may be written to nowhere"),
        (says("source", "it acknowledges alone"), says("replica"), "alone: `pairwise start duo x`"),
        (says("source"), NodeAnswer(reachable=True), "reconciler of server2 says nothing"),
        (says("source"), replace(says("replica"), gtid_age_s=60.0), "server2 says nothing"),
    ],
)
def test_what_is_wrong_is_named(one: NodeAnswer, other: NodeAnswer, words: str) -> None:
    _, problems = judge_replication("duo", DUO, {"server1": one, "server2": other})
    assert [text for text in problems if words in text], problems


def test_what_a_reconciler_has_published_is_read_with_its_age() -> None:
    published = json.dumps({"time": 100.0, "role": "source"})
    found = parse(f"== gtid\n{published}\n\n107\n== end\n")
    assert found.gtid["role"] == "source"
    assert found.gtid_age_s == 7.0
    assert "gtid.json" in script(())
    assert parse("== gtid\n\n107\n== end\n").gtid == {}


def test_other_pairs_have_no_replication() -> None:
    assert judge_replication("six", plans()["six"].slice("data"), {}) == ([], [])


def vip_of_duo(server2: NodeAnswer) -> tuple[dict[str, Any], list[str]]:
    """What status says of the inside VIP, with server1 as its holder."""
    plan = plans()["duo"]
    vip = next(vip for vip in plan.vips if vip.name == "inside")
    holder = NodeAnswer(
        reachable=True,
        addresses=frozenset({str(vip.address)}),
        vrrp={"inside": "MASTER"},
        gtid=says("source", may_hold=True, held_for="it is the source").gtid,
    )
    server2 = replace(server2, vrrp={"inside": "FAULT"})
    return _vrrp_group(plan, vip, Seen(answers={"server1": holder, "server2": server2}))


def test_a_replica_that_stands_by_is_a_backup_and_no_problem() -> None:
    group, problems = vip_of_duo(
        says("replica", source="server1", may_hold=False, held_for="the peer is the source")
    )
    assert problems == []
    assert (group["active"], group["backup"]) == ("server1", "server2")
    assert group["details"] == "server1 MASTER, server2 stands by"


@pytest.mark.parametrize(
    ("role", "source", "may", "reason", "words"),
    [
        ("quarantined", "server1", False, "it has x", "its MySQL is quarantined, and it has x;"),
        ("unknown", None, False, "it has met nobody", "its MySQL is unknown, and it has met nobo"),
        ("replica", None, False, "the peer is silent", "its MySQL is replica, and the peer is sil"),
        ("replica", None, True, "the peer is off", "its service does not answer"),
    ],
)
def test_a_fault_that_comes_from_the_role_names_it(
    role: str, source: str | None, may: bool, reason: str, words: str
) -> None:
    answer = says(role, source=source, may_hold=may, held_for=reason)
    group, problems = vip_of_duo(answer)
    assert group["backup"] is None
    (problem,) = problems
    assert words in problem
    assert problem.startswith("server2 is in FAULT for VIP inside: ")
