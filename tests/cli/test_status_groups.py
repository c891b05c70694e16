"""Status of a data pair: who has a group, and what is wrong becomes a sentence with a remedy."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from bootstrap.blocks.monitor import program
from bootstrap.facts.drbd import DrbdState
from cli.plan_warnings import warnings
from cli.status import Status, assemble
from cli.status_judge import Seen
from cli.status_named import DONE, SEEN_ANYWAY
from cli.status_read import NodeAnswer, parse
from stacks.load import read_stack
from stacks.plan import make_plan
from stacks.plan_types import Plan
from tests.cli.test_look import plan
from tests.descriptions import changed, description

NFS = plan("nfs")
VIP = "10.74.1.82"
ANSWER = """\
== addresses
[{"addr_info":[{"local":"10.74.1.82"}]}]
== vrrp
== units
== failed
== drbd
version: 8.4.11 (api:1/proto:86-101)
 0: cs:SyncSource ro:Primary/Secondary ds:UpToDate/Inconsistent C r-----
    ns:484 nr:0 dw:484 dr:88 al:15 bm:0 lo:0 pe:0 ua:0 ap:0 ep:1 wo:f oos:16544
        [=========>..........] sync'ed: 50.0% (16544/33088)K
== mounts
/dev/drbd0 /srv/nfs ext4 rw,noatime 0 0
== fence
the fence endpoint at 10.74.9.1 says: nothing
== met
/run/pairwise/met-peer
== end
"""


def state(role: str = "Secondary", disk: str = "UpToDate", cs: str = "Connected") -> DrbdState:
    other = "Primary" if role == "Secondary" else "Secondary"
    return DrbdState(minor=0, cs=cs, role=role, peer_role=other, disk=disk, peer_disk="UpToDate")


def holder(drbd: DrbdState | None = None) -> NodeAnswer:
    return NodeAnswer(
        reachable=True,
        addresses=frozenset({VIP}),
        mounts=frozenset({"/srv/nfs"}),
        drbd={0: drbd or state("Primary")},
    )


def idle(drbd: DrbdState | None = None) -> NodeAnswer:
    return NodeAnswer(reachable=True, drbd={0: drbd or state()})


def status(nfs1: NodeAnswer, nfs2: NodeAnswer, **more: object) -> Status:
    answers = {"nfs1": nfs1, "nfs2": nfs2, "client1": NodeAnswer(reachable=True)}
    seen = Seen(states=dict.fromkeys(NFS.nodes, "running"), answers=answers)
    return assemble(NFS, replace(seen, **more), url="")  # type: ignore[arg-type]


def test_steady_state_is_healthy_and_says_who_has_what() -> None:
    found = status(holder(), idle())
    assert found.problems == ()
    (pair,) = found.pairs
    (group,) = pair["groups"]
    assert (group["active"], group["backup"], group["vips"]) == ("nfs1", "nfs2", [VIP])
    assert pair["fencing"] == ["hypervisor", "confirm"]


def test_answer_of_a_node_is_understood() -> None:
    found = parse(ANSWER)
    assert found.drbd[0].sync_percent == 50.0
    assert found.mounts == {"/srv/nfs"}
    assert found.met_peer
    assert found.fence_waiting == "the fence endpoint at 10.74.9.1 says: nothing"


@pytest.mark.parametrize(
    ("nfs1", "nfs2", "words"),
    [
        (holder(), holder(), "held by nfs1 and nfs2 at once"),
        (holder(), idle(state("Primary")), "is Primary on nfs1 and nfs2 at once"),
        (idle(), idle(), "is held by no node that answers"),
        (holder(), idle(state(cs="StandAlone")), "StandAlone"),
        (holder(), idle(state(cs="SyncTarget", disk="Inconsistent")), "is being copied"),
        (holder(state("Primary", cs="WFConnection")), idle(), "has one copy"),
        (holder(state("Primary", disk="Diskless")), idle(), "drbdadm attach nfs`"),
        (holder(replace(state("Primary"), oos_kib=4)), idle(), "`pairwise repair nfs nfs2`"),
        (holder(), NodeAnswer(reachable=True), "is not attached on nfs2"),
        (holder(), replace(idle(), fence_waiting="no answer"), "fence confirm nfs nfs1"),
        (
            NodeAnswer(reachable=False),
            idle(state(disk="Outdated", cs="WFConnection")),
            "is Outdated on nfs2, and nfs1, which has newer data, does not answer",
        ),
        (holder(), replace(idle(), met_peer=False), "activate nfs nfs2 --peer-is-dead"),
        (
            holder(),
            replace(idle(), fence_waiting="nfs2 has not met nfs1 since it booted", met_peer=False),
            "nfs1 may have newer data; start nfs1 with `pairwise start nfs nfs1`, or if it is lost",
        ),
    ],
)
def test_what_is_wrong_is_named(nfs1: NodeAnswer, nfs2: NodeAnswer, words: str) -> None:
    problems = status(nfs1, nfs2).problems
    assert [text for text in problems if words in text], problems


def test_a_node_without_a_say_is_named() -> None:
    (problem,) = status(holder(), idle(), shot={"nfs2": "nfs1"}).problems
    assert "`pairwise start nfs nfs2`" in problem


def unfenced(*devices: str) -> Plan:
    text = changed(description("nfs"), put={"pairs.nfs.fencing": list(devices)})
    return make_plan(read_stack(text, name="nfs", source="nfs"))


@pytest.mark.parametrize(
    ("devices", "worth"),
    [
        (["dopd"], "dopd only: no protection when all links are cut"),
        ([], "none: a take-over may lose acknowledged writes"),
    ],
)
def test_fencing_is_called_what_it_is(devices: list[str], worth: str) -> None:
    plan_ = unfenced(*devices)
    (warning,) = warnings(plan_)
    assert worth in warning
    alone = {"nfs1": replace(holder(), met_peer=False), "nfs2": idle()}
    seen = Seen(states=dict.fromkeys(plan_.nodes, "running"), answers=alone)
    found = assemble(plan_, seen, url="")
    assert next(pair["fencing"] for pair in found.pairs) == [worth]
    assert [text for text in found.problems if "nothing keeps it from taking over" in text]
    assert not [text for text in found.problems if "takes nothing over" in text]


def test_a_whole_fencing_is_no_reason_to_warn() -> None:
    assert warnings(NFS) == []
    assert warnings(unfenced("hypervisor")) == []


def test_a_pair_on_two_hypervisors_needs_a_persons_word() -> None:
    text = changed(
        description("nfs"),
        put={
            "pairs.nfs.fencing": ["hypervisor"],
            "hypervisors": {"lab": "embedded", "other": "qemu+ssh://h2/system"},
            "nodes.nfs2.hypervisor": "other",
        },
    )
    (warning,) = warnings(make_plan(read_stack(text, name="nfs", source="nfs")))
    assert "add `confirm`" in warning


PROBLEM = {"group": "nfs", "since": "1", "text": "It is so on nfs1.", "command": "pairwise x nfs"}


def told(*problems: dict[str, str], age: str = "2") -> NodeAnswer:
    head, end = ANSWER.split("== end")
    text = json.dumps([{**PROBLEM, **problem} for problem in problems])
    return parse(f"{head}== monitor\n{age}\n== named\n{text}\n== end{end}")


def named(*problems: dict[str, str], age: str = "2") -> Status:
    answer = told(*problems, age=age)
    return status(replace(holder(), named=answer.named, monitor_age_s=answer.monitor_age_s), idle())


@pytest.mark.parametrize("name", ["stays-put", "file-system-full", "ping-dead", "transition-long"])
def test_what_a_monitor_has_named_is_a_problem_with_its_command(name: str) -> None:
    assert named({"id": name}).problems == ("It is so on nfs1: `pairwise x nfs`.",)


def test_a_command_that_only_says_this_again_is_left_out() -> None:
    found = named({"id": "ping-dead", "command": "pairwise status nfs"})
    assert found.problems == ("It is so on nfs1.",)


def test_what_status_sees_itself_is_not_said_twice() -> None:
    assert named(*({"id": name} for name in sorted(SEEN_ANYWAY))).problems == ()


def test_what_was_put_right_is_a_notice_in_a_healthy_stack() -> None:
    found = named({"id": "take-over-repaired"})
    assert (found.healthy, found.notices) == (True, ("It is so on nfs1: `pairwise x nfs`.",))


def test_a_monitor_that_no_longer_looks_is_named_and_not_believed() -> None:
    (problem,) = named({"id": "ping-dead"}, age="40").problems
    assert "has not looked at its groups for 40 s" in problem
    assert told({"id": "ping-dead"}, age="").named == ()


def test_names_are_those_of_the_monitor() -> None:
    folder = Path(program.__file__).parent
    texts = "".join((folder / name).read_text() for name in ("problems.py", "decide.py"))
    for name in SEEN_ANYWAY | DONE:
        assert f'"{name}"' in texts, name
    assert texts.count("problems.passing(") == len(DONE)
