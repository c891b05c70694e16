"""What the faults tell nft, virsh and the machines: heard by a stack that is only pretended."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bootstrap.blocks.gtid_pair.program import reconcile
from bootstrap.blocks.gtid_pair.program.seen import Server
from bootstrap.shared import gtids
from bootstrap.shared.gtids import Gtids
from drills import described, faults, faults_gtid, faults_inside
from drills.running import LiveStack
from drills.wait import wait_until
from lab import fence_endpoint
from lab.fence_keys import pair_name
from stacks.plan_gtid_types import SEMISYNC_MS
from tests.golden.tree import expected, plans

PLAN = plans()["nfs"]
PAIR = PLAN.nodes["nfs1"], PLAN.nodes["nfs2"]


@dataclass
class Heard:
    """What was asked of the outside."""

    nft: list[str] = field(default_factory=list)
    virsh: list[tuple[str, ...]] = field(default_factory=list)
    inside: list[tuple[str, str]] = field(default_factory=list)
    started: list[str] = field(default_factory=list)
    ups: list[str] = field(default_factory=list)
    known: list[str] = field(default_factory=lambda: [n.machine for n in PLAN.nodes.values()])
    volumes: str = ""
    states: dict[str, str] = field(default_factory=dict)


@pytest.fixture(name="heard")
def fixture_heard(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Heard:
    """Everything that would leave this process is kept instead."""
    heard = Heard()

    def virsh(_: LiveStack, *arguments: str) -> str:
        heard.virsh.append(arguments)
        if arguments[0] == "domstate":
            return heard.states.get(arguments[1].removeprefix("nfs-"), "running")
        if arguments[0] in ("pool-list", "vol-list"):
            return {"pool-list": "pairwise\n", "vol-list": heard.volumes}[arguments[0]]
        return "eth0 down" if arguments[0] == "domif-getlink" else ""

    def execute(_: LiveStack, node: str, command: str, *, check: bool = True) -> str:
        heard.inside.append((node, command))
        return str(check)

    monkeypatch.setattr(faults, "_nft", lambda _netns, text: heard.nft.append(text))
    monkeypatch.setattr(LiveStack, "virsh", virsh)
    monkeypatch.setattr(LiveStack, "start", lambda _, node: heard.started.append(node))
    monkeypatch.setattr(LiveStack, "exec", execute)
    monkeypatch.setattr(LiveStack, "machines", lambda _: heard.known)
    monkeypatch.setattr(LiveStack, "up", lambda stack: heard.ups.append(stack.name))
    monkeypatch.setattr(described, "FOLDER", tmp_path)
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
    fails_inside(faults_inside.service_stopped(stack, "nfs1", "heartbeat"))
    fails_inside(faults_inside.disk_detached(stack, "nfs1", "nfs"))
    fails_inside(faults_inside.filled(stack, "nfs1", "/srv/nfs"))
    fails_inside(faults_inside.applier_held(stack, "nfs1"))
    undone = [command.split("; ")[-1].split()[0:2] for _, command in heard.inside[1::2]]
    assert undone == [
        ["systemctl", "is-active"],
        ["drbdadm", "attach"],
        ["rm", "-f"],
        ["systemctl", "stop"],
    ]


def test_what_a_killed_drill_stopped_is_started_by_the_next_one(
    heard: Heard, stack: LiveStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(faults_inside, "HEALS", str(tmp_path / "heals"))
    for name in ("systemctl", "drbdadm"):
        text = f'#!/bin/sh\necho "{name} $*" >>{tmp_path}/done\n[ "$1" != is-active ]\n'
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    fails_inside(faults_inside.service_stopped(stack, "nfs1", "heartbeat"))
    fails_inside(faults_inside.disk_detached(stack, "nfs1", "nfs"))
    killed = [command for _, command in heard.inside[::2]]
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    for command in (*killed, faults_inside._noted(), faults_inside._noted()):
        subprocess.run(["sh", "-c", command], check=True, env=environment)
    assert (tmp_path / "done").read_text().splitlines() == [
        "systemctl stop heartbeat",
        "drbdadm detach nfs",
        "drbdadm attach nfs",
        "systemctl is-active --quiet heartbeat",
        "systemctl start heartbeat",
    ]


def test_slow_cards_are_fast_again_whichever_they_are(heard: Heard, stack: LiveStack) -> None:
    fault = faults_inside.slowed(stack, ("nfs1", "nfs2"), "repl", delay_ms=20, loss_percent=1.0)
    fails_inside(fault)
    assert [node for node, _ in heard.inside] == ["nfs1", "nfs2"] * 2
    commands = [command for _, command in heard.inside]
    told = "tc qdisc replace dev repl root netem delay 20ms 4ms loss 1%"
    assert commands[:2] == [told] * 2
    assert commands[2:] == [faults_inside._fast_again()] * 2


def test_only_slow_cards_lose_their_discipline(tmp_path: Path) -> None:
    """The shell text itself runs, with a tc that answers as the real one does."""
    lines = (
        "qdisc noqueue 0: dev lo root refcnt 2 \n"
        "qdisc pfifo_fast 0: dev lan root refcnt 2 bands 3\n"
        "qdisc netem 8001: dev repl root refcnt 2 limit 1000 delay 20ms  4ms loss 1%\n"
    )
    tool = tmp_path / "tc"
    tool.write_text(
        f'#!/bin/sh\n[ "$2" = show ] && printf %s "{lines}" || echo "$*" >>{tmp_path}/done\n'
    )
    tool.chmod(0o755)
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    subprocess.run(["sh", "-c", faults_inside._fast_again()], check=True, env=environment)
    assert (tmp_path / "done").read_text() == "qdisc delete dev repl root\n"


def test_a_clock_goes_back_by_what_it_went_forward_and_once(
    heard: Heard, stack: LiveStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(faults_inside, "CLOCK", str(tmp_path / "clock"))
    for name in ("date", "systemctl"):
        (tmp_path / name).write_text(f'#!/bin/sh\necho "{name} $*" >>{tmp_path}/done\n')
        (tmp_path / name).chmod(0o755)
    fails_inside(faults_inside.clock_stepped(stack, "nfs1", seconds=3600))
    step, back = (command for _, command in heard.inside)
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    for command in (step, back, back):
        subprocess.run(["sh", "-c", command], check=True, env=environment)
    assert (tmp_path / "done").read_text().splitlines() == [
        "systemctl stop chrony",
        "date -s 3600 seconds",
        "date -s -3600 seconds",
        "systemctl start chrony",
    ]


def test_a_broken_unit_is_one_until_the_end_on_both_nodes(heard: Heard, stack: LiveStack) -> None:
    fails_inside(
        faults_inside.unit_broken(stack, ("nfs1", "nfs2"), "a.service", faults_inside.DIES)
    )
    path = "/run/systemd/system/a.service.d/pairwise-drill.conf"
    commands = [command for _, command in heard.inside]
    assert [node for node, _ in heard.inside] == ["nfs1", "nfs2"] * 2
    for command in commands[:2]:
        assert "RuntimeMaxSec=1" in command and f">{path} && systemctl daemon-reload" in command
    gone = f"rm -f {path}; systemctl daemon-reload; systemctl reset-failed a.service"
    assert commands[2:] == [gone] * 2


def test_the_hook_of_the_lost_request_goes_with_its_mount(heard: Heard, stack: LiveStack) -> None:
    data = PAIR[0].data
    assert data is not None
    fails_inside(faults_inside.request_lost(stack, "nfs2", data.groups[0]))
    (_, there), (_, gone) = heard.inside
    manager, folder = faults_inside.MANAGER, faults_inside.FOLDER
    assert there.startswith(gone), "what an earlier one left goes first: it would call itself"
    assert there.endswith(f"mount --bind {folder}/hook {manager}")
    assert "*' drbddisk::nfs '*" in there.replace('"', "'")
    assert f"umount -l {manager}" in gone and f"rm -rf {folder}" in gone


def test_what_became_of_the_requests_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "lost 100.5\npassed 107.25\npassed 300.0\npas"
    monkeypatch.setattr(LiveStack, "exec", lambda *_, **__: text)
    found = faults_inside.requests_seen(LiveStack("nfs", "n", "u"), "nfs1")
    assert found == {"lost": 100.5, "passed": 107.25}


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


def test_what_is_removed_from_a_node_is_shell(tmp_path: Path) -> None:
    data = PAIR[0].data
    assert data is not None
    text = faults_inside.remnants(data.groups, is_gtid=True)
    changed = (faults_gtid.KEEPALIVED, faults_gtid.RULES)
    places = (faults_inside.UNITS, faults_inside.FOLDER, *changed)
    for ours in (*places, data.groups[0].on_disk.mount_point):
        text = text.replace(ours, f"{tmp_path}{ours}")
    drop_in = Path(f"{tmp_path}{faults_inside.UNITS}/a.service.d/{faults_inside.DROP_IN}")
    filler = Path(f"{tmp_path}{data.groups[0].on_disk.mount_point}/{faults_inside.FILLER}")
    kept = [Path(f"{tmp_path}{path}{faults_gtid.AS_IT_WAS}") for path in changed]
    for path in (drop_in, filler, *kept):
        path.parent.mkdir(parents=True)
        path.touch()
    reloads = 'systemctl() { echo "$*"; }; mysql() { false; }; '
    reload = "try-reload-or-restart keepalived\ntry-restart pairwise-gtid.service\n"
    for before, said in ((reload, "daemon-reload\nreset-failed\n"), ("", "")):
        done = subprocess.run(
            ["sh", "-ec", reloads + text], capture_output=True, text=True, check=True
        )
        assert done.stdout == f"{before}-q stop {faults_inside.HOLD}\n{said}"
    assert not any(path.exists() for path in (drop_in, filler, *kept))
    assert all(Path(f"{tmp_path}{path}").exists() for path in changed)


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


def test_the_bug_that_is_planted_is_the_one_that_is_meant(tmp_path: Path) -> None:
    """What is appended to the installed file takes the wait for the applier away."""
    assert f" {faults_gtid.RULES} " in expected()["duo/server1/owned.txt"]
    program = tmp_path / "planted.py"
    installed = Path(reconcile.__file__).read_text(encoding="utf-8")
    program.write_text(f"{installed}\n{faults_gtid.HASTY}\n", encoding="utf-8")
    planted = runpy.run_path(str(program))
    own = "3e11fa47-71ca-11e1-9e33-c80aa9429562"
    late = Server(
        uuid=own, life="1", read_only=True, executed=Gtids(), received=gtids.parse(f"{own}:1-9")
    )
    assert reconcile._open(late) is not None
    # Functions look names up in their module when they are called: the last definition counts.
    assert planted["_replica_without_answer"].__globals__["_open"](late) is None


def test_a_keepalived_that_asks_nobody_still_has_its_vips(tmp_path: Path) -> None:
    text = expected()["duo/server1" + faults_gtid.KEEPALIVED]
    config = tmp_path / "keepalived.conf"
    config.write_text(text, encoding="utf-8")
    subprocess.run(["sed", "-i", "; ".join(faults_gtid.UNASKED), str(config)], check=True)
    lines = config.read_text(encoding="utf-8").splitlines()
    left = "\n".join(line for line in lines if "#" not in line)
    for word in ("role", "reconciler", "track_file", "startup_delay"):
        assert word in text and word not in left
    assert left.count("{") == left.count("}")
    assert left.count("vrrp_instance") == 2 and left.count("check-service") == 1


def test_a_source_is_patient_again_after_the_control(heard: Heard, stack: LiveStack) -> None:
    fails_inside(faults_gtid.semisync_gives_up(stack, "nfs1", after_ms=2000))
    impatient, patient = (command for _, command in heard.inside)
    assert "= 2000" in impatient and f"= {SEMISYNC_MS}" in patient
