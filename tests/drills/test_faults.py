"""What the faults tell nft, virsh and the machines: heard by a stack that is only pretended."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass, field

import pytest

from drills import faults
from drills.running import LiveStack
from tests.golden.tree import plans

PLAN = plans()["nfs"]
PAIR = PLAN.nodes["nfs1"], PLAN.nodes["nfs2"]


@dataclass
class Heard:
    """What was asked of the outside."""

    nft: list[str] = field(default_factory=list)
    virsh: list[tuple[str, ...]] = field(default_factory=list)
    inside: list[tuple[str, str]] = field(default_factory=list)
    started: list[str] = field(default_factory=list)
    states: dict[str, str] = field(default_factory=dict)


@pytest.fixture(name="heard")
def fixture_heard(monkeypatch: pytest.MonkeyPatch) -> Heard:
    """Everything that would leave this process is kept instead."""
    heard = Heard()

    def virsh(_: LiveStack, *arguments: str) -> str:
        heard.virsh.append(arguments)
        if arguments[0] == "domstate":
            return heard.states.get(arguments[1].removeprefix("nfs-"), "running")
        return "eth0 down" if arguments[0] == "domif-getlink" else ""

    def execute(_: LiveStack, node: str, command: str, *, check: bool = True) -> str:
        heard.inside.append((node, command))
        return str(check)

    monkeypatch.setattr(faults, "_nft", lambda _netns, text: heard.nft.append(text))
    monkeypatch.setattr(LiveStack, "virsh", virsh)
    monkeypatch.setattr(LiveStack, "start", lambda _, node: heard.started.append(node))
    monkeypatch.setattr(LiveStack, "exec", execute)
    return heard


@pytest.fixture(name="stack")
def fixture_stack() -> LiveStack:
    return LiveStack("nfs", "pw-test", "test:///default")


def fails_inside(fault: AbstractContextManager[None]) -> None:
    """Go through a fault during which something fails: it must heal all the same."""
    with pytest.raises(RuntimeError, match="on purpose"), fault:
        raise RuntimeError("on purpose")


def test_a_cut_drops_both_ways_or_one_and_goes_again(heard: Heard) -> None:
    fails_inside(faults.cut("pw-test", PAIR, ("lan", "repl")))
    rules, gone = heard.nft
    assert rules.count(" drop") == 4
    assert gone == f"delete table bridge {rules.split()[2]}"
    with faults.cut("pw-test", PAIR, ("lan",), both_ways=False):
        pass
    one = [line for line in heard.nft[2].splitlines() if "drop" in line]
    macs = [node.interface("lan").mac for node in PAIR]
    assert one == [f"  ether saddr {macs[0]} ether daddr {macs[1]} drop"]


def test_two_cuts_at_once_have_tables_of_their_own(heard: Heard) -> None:
    with faults.cut("n", PAIR, ("lan",)), faults.cut("n", PAIR, ("repl",)):
        pass
    assert heard.nft[0].split()[2] != heard.nft[1].split()[2]


def test_the_endpoint_is_down_for_the_pair_alone(heard: Heard) -> None:
    data = PAIR[0].data
    assert data is not None
    fails_inside(faults.endpoint_down("pw-test", PAIR, data.fence))
    assert f"ip daddr {data.fence.endpoint} tcp dport {data.fence.port} reject" in heard.nft[0]
    assert "10.74.9.11, 10.74.9.12" in heard.nft[0] and "10.74.9.21" not in heard.nft[0]
    assert heard.nft[1].startswith("delete table inet drill")


def test_a_machine_without_power_is_started_unless_it_runs(heard: Heard, stack: LiveStack) -> None:
    heard.states = {"nfs1": "shut off", "nfs2": "running"}
    fails_inside(faults.power_cut(stack, "nfs1", "nfs2"))
    assert heard.started == ["nfs1"]
    assert heard.virsh[:2] == [("destroy", "nfs-nfs1"), ("destroy", "nfs-nfs2")]


def test_a_frozen_machine_that_was_powered_off_is_not_resumed(
    heard: Heard, stack: LiveStack
) -> None:
    heard.states = {"nfs1": "shut off"}
    fails_inside(faults.frozen(stack, "nfs1"))
    heard.states = {"nfs1": "paused"}
    fails_inside(faults.frozen(stack, "nfs1"))
    assert [words for words in heard.virsh if words[0] == "resume"] == [("resume", "nfs-nfs1")]


def test_a_pulled_cable_is_put_back(heard: Heard, stack: LiveStack) -> None:
    fails_inside(faults.link_down(stack, "nfs1", "lan"))
    mac = PAIR[0].interface("lan").mac
    assert [words[-1] for words in heard.virsh] == ["down", "up"]
    assert all(mac in words for words in heard.virsh)


def test_what_is_done_inside_is_undone_inside(heard: Heard, stack: LiveStack) -> None:
    fails_inside(faults.service_stopped(stack, "nfs1", "heartbeat"))
    fails_inside(faults.disk_detached(stack, "nfs1", "nfs"))
    fails_inside(faults.filled(stack, "nfs1", "/srv/nfs"))
    last_words = [command.split()[0:2] for _, command in heard.inside[1::2]]
    assert last_words == [["systemctl", "is-active"], ["drbdadm", "attach"], ["rm", "-f"]]


def test_heal_all_undoes_what_a_killed_drill_left(
    heard: Heard, stack: LiveStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables = "table bridge drill77_1\ntable inet filter\ntable inet drill77_2\n"
    monkeypatch.setattr(LiveStack, "inside", lambda *_: tables)
    heard.states = {"nfs1": "paused", "nfs2": "shut off"}
    faults.heal_all(stack)
    assert heard.nft == ["delete table bridge drill77_1", "delete table inet drill77_2"]
    assert ("resume", "nfs-nfs1") in heard.virsh
    assert heard.started == ["nfs2"]
    assert [words for words in heard.virsh if words[-1] == "up"]
