"""Status: what nodes say is understood, and what is wrong becomes sentences with a remedy."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console

from cli.machines import parse_list
from cli.status import Status, assemble
from cli.status_judge import NO_MANAGER, Seen, WebAnswer
from cli.status_read import NodeAnswer, Unit, parse, script
from cli.status_view import show
from stacks.plan import make_plan
from tests.cli.test_look import plan
from tests.descriptions import six

SIX = make_plan(six(put={"tiers.web.web": {}}, drop=("pairs.data", "nodes.data1", "nodes.data2")))
"""Balancers and web machines: test_status_groups.py is about the data pair."""
VIPS = {"www1": "10.71.1.201", "www2": "10.71.1.202"}
ANSWER = """\
== addresses
[{"ifindex":1,"ifname":"lo","flags":["LOOPBACK","UP","LOWER_UP"],"mtu":65536,"addr_info":
[{"family":"inet","local":"127.0.0.1","prefixlen":8,"scope":"host","label":"lo"}]},
{"ifindex":2,"ifname":"lan","addr_info":[{"family":"inet","local":"10.71.1.11","prefixlen":24},
{"family":"inet","local":"10.71.1.201","prefixlen":24,"scope":"global","secondary":true}]},{}]
== vrrp
www1 MASTER
www2 BACKUP
== units
Id=keepalived.service
ActiveState=active
SubState=running

Id=nginx.service
ActiveState=failed
SubState=failed
== failed
nginx.service loaded failed failed nginx
== end
"""


def answer(
    *vips: str, vrrp: Mapping[str, str] | None = None, units: Mapping[str, Unit] | None = None
) -> NodeAnswer:
    """A node that answers and holds these VIPs."""
    return NodeAnswer(
        reachable=True,
        addresses=frozenset(VIPS[vip] for vip in vips),
        vrrp=dict(vrrp or {}),
        units=dict(units or {}),
    )


def well() -> Seen:
    """Stack six in steady state."""
    answers = {name: answer() for name in SIX.nodes}
    answers["lb1"] = answer("www1", vrrp={"www1": "MASTER", "www2": "BACKUP"})
    answers["lb2"] = answer("www2", vrrp={"www1": "BACKUP", "www2": "MASTER"})
    web = WebAnswer(served=("web1", "web2"), errors=())
    return Seen(
        states=dict.fromkeys(SIX.nodes, "running"),
        answers=answers,
        web=dict.fromkeys(VIPS.values(), web),
    )


def status(seen: Seen) -> Status:
    return assemble(SIX, seen, url="http://127.0.0.1:8080/")


def with_answers(**answers: NodeAnswer) -> Seen:
    seen = well()
    return replace(seen, answers={**seen.answers, **answers})


def test_answer_of_a_node_is_understood() -> None:
    found = parse(ANSWER)
    assert found.reachable
    assert found.addresses == {"127.0.0.1", "10.71.1.11", "10.71.1.201"}
    assert found.vrrp == {"www1": "MASTER", "www2": "BACKUP"}
    assert found.units["nginx.service"] == Unit(active="failed", sub="failed")
    assert found.units["keepalived.service"].active == "active"
    assert found.failed == ("nginx.service",)


def test_answer_that_is_cut_off_is_none() -> None:
    assert not parse(ANSWER.removesuffix("== end\n")).reachable
    assert not parse("").reachable


def test_script_asks_for_the_units_it_is_given() -> None:
    assert "SubState keepalived.service nginx.service;" not in script(["nginx.service"])
    assert "keepalived.service nginx.service" in script(["nginx.service", "keepalived.service"])


def test_steady_state_is_healthy_and_has_the_documented_shape() -> None:
    shape = status(well()).as_json()
    assert (shape["stack"], shape["healthy"], shape["problems"]) == ("six", True, [])
    assert {"name", "roles", "reachable"} <= set(shape["nodes"][0])
    balancers = next(pair for pair in shape["pairs"] if pair["name"] == "lb")
    assert set(balancers) == {"name", "nodes", "fencing", "groups"}
    assert balancers["groups"][0] == {
        "name": "www1",
        "kind": "vrrp",
        "active": "lb1",
        "backup": "lb2",
        "vips": ["10.71.1.201"],
        "details": "lb1 MASTER, lb2 BACKUP; ip_hash looks at the first three octets: all clients "
        "of one /24 reach the same web machine",
    }
    json.dumps(shape)


def test_a_pair_without_its_blocks_is_no_problem() -> None:
    whole = plan("gateway")
    nodes = {n: replace(node, data=None, director=None) for n, node in whole.nodes.items()}
    deploys = {
        name: replace(part, nodes={n: nodes[n] for n in part.nodes})
        for name, part in whole.deploys.items()
    }
    gateway = replace(whole, nodes=nodes, deploys=deploys)
    seen = Seen(
        states=dict.fromkeys(gateway.nodes, "running"),
        answers=dict.fromkeys(gateway.nodes, answer()),
    )
    shape = assemble(gateway, seen, url="").as_json()
    groups = [group for pair in shape["pairs"] for group in pair["groups"]]
    assert {group["details"] for group in groups} == {NO_MANAGER}
    assert {group["active"] for group in groups} == {None}
    assert shape["problems"] == []


def problems(seen: Seen) -> str:
    return "\n".join(status(seen).problems)


@pytest.mark.parametrize(
    ("seen", "sentence"),
    [
        (
            replace(well(), states={**well().states, "lb1": "shut off"}),
            "Machine six-lb1 is shut off: `pairwise start six lb1` starts it.",
        ),
        (
            replace(well(), states={**well().states, "web1": "gone"}),
            "Machine six-web1 does not exist: `pairwise up six` makes it.",
        ),
        (
            with_answers(web2=NodeAnswer(reachable=False, reason="timed out")),
            "web2 runs but gives no answer on SSH at 10.71.9.22 (timed out)",
        ),
        (
            with_answers(web1=answer(units={"nginx.service": Unit(active="failed", sub="x")})),
            "nginx.service on web1 is failed: `pairwise exec six web1 -- journalctl -u nginx",
        ),
        (
            with_answers(lb2=answer("www1", "www2", vrrp={"www1": "MASTER", "www2": "MASTER"})),
            "VIP www1 (10.71.1.201) of pair lb is held by lb1 and lb2 at once",
        ),
        (
            with_answers(lb1=answer(vrrp={"www1": "BACKUP", "www2": "BACKUP"})),
            "VIP www1 (10.71.1.201) of pair lb is held by no node that answers",
        ),
        (
            with_answers(
                lb1=answer(vrrp={"www1": "FAULT", "www2": "FAULT"}),
                lb2=answer("www1", "www2", vrrp={"www1": "MASTER", "www2": "MASTER"}),
            ),
            "lb1 is in FAULT for VIP www1",
        ),
        (
            with_answers(
                lb1=answer(vrrp={"www1": "BACKUP", "www2": "BACKUP"}),
                lb2=answer("www1", "www2", vrrp={"www1": "MASTER", "www2": "MASTER"}),
            ),
            "is on lb2 and not on lb1, which it prefers",
        ),
        (with_answers(lb2=answer("www2")), "keepalived on lb2 has not joined for VIP www1 yet"),
        (
            replace(well(), web={"10.71.1.201": WebAnswer(served=("web1",), errors=())}),
            "http://10.71.1.201/ (VIP www1) is never answered by web2",
        ),
        (
            replace(well(), web={"10.71.1.202": WebAnswer(served=(), errors=("HTTP status 503",))}),
            "http://10.71.1.202/ (VIP www2) serves nobody (HTTP status 503)",
        ),
    ],
)
def test_each_fault_has_its_sentence_and_its_command(seen: Seen, sentence: str) -> None:
    assert sentence in problems(seen)
    assert not status(seen).healthy
    assert all("`pairwise" in problem for problem in status(seen).problems if "SSH" not in problem)


def test_problem_that_explains_all_others_stands_alone() -> None:
    found = assemble(SIX, Seen(), url="", extra=("The lab is down.",))
    assert found.problems == ("The lab is down.",)
    assert not any(node["reachable"] for node in found.nodes)


def test_table_names_every_node_and_the_verdict() -> None:
    console = Console(width=160, file=StringIO())
    show(status(well()), console)
    assert isinstance(console.file, StringIO)
    text = console.file.getvalue()
    assert all(name in text for name in SIX.nodes)
    assert "six is healthy" in text
    assert "http://127.0.0.1:8080/" in text


def test_list_of_machines_is_understood() -> None:
    text = " 1    six-lb1    running\n -    six-lb2    shut off\n\n"
    assert parse_list(text) == {"six-lb1": "running", "six-lb2": "shut off"}
