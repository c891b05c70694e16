"""What the faults from outside tell nft, virsh and the hypervisor."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from drills import described, faults, faults_inside
from drills.running import LiveStack
from drills.wait import wait_until
from lab import fence_endpoint
from lab.fence_keys import pair_name
from tests.drills.pretended import PAIR, Heard, fails_inside
from tests.golden.tree import plans


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


def test_power_offs_wait_for_the_lock_that_the_endpoint_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fence_endpoint, "LOCK_S", 0.0)
    stack, name = LiveStack("nfs", "n", "u", fence=tmp_path), pair_name("nfs", "nfs")
    with (
        faults.power_off_held(stack, "nfs"),
        pytest.raises(fence_endpoint.EndpointError, match="is not done"),
        fence_endpoint.locked(tmp_path, name),
    ):
        pass
    with fence_endpoint.locked(tmp_path, name):
        pass


def test_power_offs_cannot_be_held_where_nobody_knows_how(stack: LiveStack) -> None:
    with (
        pytest.raises(RuntimeError, match="state folder"),
        faults.power_off_held(stack, "nfs"),
    ):
        pass


def test_a_lost_machine_loses_its_own_volumes_and_up_heals_it(
    heard: Heard, stack: LiveStack
) -> None:
    own = ["nfs-nfs2-root.qcow2", "nfs-nfs2-nfs.raw", "nfs-nfs2-cloud-init.iso"]
    heard.volumes = "".join(f"{name} /pool/{name}\n" for name in ["nfs-nfs1-nfs.raw", *own])
    with faults.machine_lost(stack, "nfs2"):
        assert heard.virsh[0] == ("undefine", "nfs-nfs2")
        assert [words[1] for words in heard.virsh if words[0] == "vol-delete"] == own
        assert described.is_otherwise(stack) and heard.ups == []
    assert heard.ups == ["nfs"] and not described.is_otherwise(stack)


def test_busy_processes_end_with_the_fault_by_themselves_and_with_their_drill() -> None:
    with faults.cores_busy(60.0) as processes:
        assert processes and all(process.poll() is None for process in processes)
    assert all(process.returncode is not None for process in processes)
    own = str(os.getpid())
    subprocess.run([sys.executable, "-c", faults.BUSY, "0", own], check=True)
    orphan = f'{sys.executable} -c "$1" 60 $$ >/dev/null 2>&1 & echo $!'
    done = subprocess.run(["sh", "-c", orphan, "sh", faults.BUSY], capture_output=True, check=True)
    command = Path(f"/proc/{int(done.stdout)}/cmdline")
    wait_until(lambda: not command.exists(), what="a process without its drill", timeout_s=30)


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
    assert sorted(node for node, _ in heard.inside) == ["client1", "nfs1", "nfs2"]
    for _, command in heard.inside:
        for left in (faults_inside.MANAGER, faults_inside.DROP_IN, faults_inside.HEALS):
            assert left in command
    fillers = {node for node, command in heard.inside if faults_inside.FILLER in command}
    assert fillers == {"nfs1", "nfs2"}, "who has a disk"
    assert heard.ups == []


def test_heal_all_brings_back_what_a_killed_drill_had_removed_or_changed(
    heard: Heard, stack: LiveStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LiveStack, "inside", lambda *_: "")
    with faults.machine_lost(stack, "nfs2"):
        heard.known = ["nfs-nfs1", "nfs-client1"]
        faults.heal_all(stack)
        asked = [words[1] for words in heard.virsh if words[0] == "domstate"]
        assert asked == ["nfs-nfs1", "nfs-client1"]
        assert heard.ups == ["nfs"]


def test_adverts_are_dropped_on_their_way_to_one_node(heard: Heard) -> None:
    node = plans()["duo"].nodes["server2"]
    fails_inside(faults.adverts_dropped("pw-test", node, ("inside", "outside")))
    rules, gone = heard.nft
    assert rules.count("ip protocol 112 drop") == 2
    for network in ("inside", "outside"):
        assert f"ether daddr {node.interface(network).mac} ip protocol 112" in rules
    assert gone.startswith("delete table bridge drill")


def test_a_machine_that_was_shut_down_is_started_again(heard: Heard, stack: LiveStack) -> None:
    heard.states = {"nfs1": "shut off"}
    fails_inside(faults.shut_down(stack, "nfs1"))
    assert heard.inside == [("nfs1", "systemctl poweroff")]
    assert heard.started == ["nfs1"]
