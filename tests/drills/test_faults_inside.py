"""What the faults within a node tell it: their shell text runs, their bugs are those meant."""

from __future__ import annotations

import runpy
import subprocess
from pathlib import Path

import pytest

from bootstrap.blocks.gtid_pair.program import reconcile
from bootstrap.blocks.gtid_pair.program.seen import Server
from bootstrap.shared import gtids
from bootstrap.shared.gtids import Gtids
from drills import faults_gtid, faults_inside
from drills.running import LiveStack
from stacks.plan_gtid_types import SEMISYNC_MS
from tests.drills.pretended import PAIR, Heard, fails_inside
from tests.golden.tree import expected


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
