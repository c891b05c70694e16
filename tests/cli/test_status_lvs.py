"""The tables of both directors in ``status``: rows, and what is wrong with them."""

from __future__ import annotations

from cli.status_lvs import Row, judge_services, services_of
from cli.status_read import NodeAnswer
from stacks.load import read_stack
from stacks.plan import make_plan
from stacks.plan_types import DeployPlan
from tests.descriptions import changed, description

SERVICE, ONE, OTHER = "10.75.1.200:80", "10.75.1.21:80", "10.75.1.22:80"


def directors() -> DeployPlan:
    """Of stack lvs, with the service of pages alone."""
    drop = ("pairs.directors.director.services.read", "pairs.directors.vips.read")
    found = changed(description("lvs"), drop=drop)
    return make_plan(read_stack(found, name="lvs", source="lvs")).deploys["directors"]


def answer(**servers: int) -> NodeAnswer:
    """A director with these weights: ``one`` and ``other`` are the real servers."""
    places = {"one": ONE, "other": OTHER}
    rows = {
        (SERVICE, places[name]): Row(weight=weight, active=3, ended=0)
        for name, weight in servers.items()
    }
    rows[SERVICE, ""] = Row(weight=0, active=0, ended=0)
    return NodeAnswer(reachable=True, services=rows)


def test_both_directors_stand_side_by_side() -> None:
    part = directors()
    rows = services_of(part, {"server1": answer(one=1, other=1), "server2": answer(one=1, other=0)})
    assert [row["server"] for row in rows] == ["server3", "server4"]
    assert rows[0]["directors"]["server1"] == {"state": "up", "connections": 3}
    assert rows[1]["directors"]["server2"]["state"] == "drains"


def test_a_whole_table_is_no_problem() -> None:
    part = directors()
    whole = answer(one=1, other=1)
    assert list(judge_services("lvs", part, {"server1": whole, "server2": whole})) == []


def test_who_is_out_is_named_with_its_director() -> None:
    part = directors()
    silent = NodeAnswer(reachable=False, reason="off")
    (said,) = judge_services("lvs", part, {"server1": answer(one=1), "server2": silent})
    assert said == (
        "Real server server4 is out of service www on server1: `pairwise exec lvs server1 --"
        " journalctl -u ldirectord -n 20` says since when."
    )


def test_a_service_that_the_kernel_lacks_is_named_once() -> None:
    part = directors()
    empty = NodeAnswer(reachable=True)
    (said,) = judge_services("lvs", part, {"server2": empty})
    assert "is not in the kernel's table of server2: `pairwise up lvs`" in said
