"""``vrrp-stop``: keepalived's last messages are written before systemd kills what is left."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

from bootstrap.blocks.keepalived import deploy
from bootstrap.shared import notify
from tests.golden.tree import plans

LATE_S = 0.7


@pytest.fixture
def short_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the script, which is rendered afterwards: a wait of five seconds would show no more."""
    monkeypatch.setattr(deploy, "STOP_S", 1)


@pytest.fixture
def script(tmp_path: Path) -> Path:
    plan = plans()["six"].slice("lb")
    files = {file.path: file.content for file in deploy.files(plan.nodes["lb1"], plan)}
    path = tmp_path / "vrrp-stop"
    path.write_text(files[deploy.STOP_SCRIPT].replace(deploy.PROCESSES, str(tmp_path / "procs")))
    path.chmod(0o755)
    return path


def stop(script: Path, *, pid: str) -> tuple[int, float]:
    """Exit code, and how long it took."""
    begun = time.monotonic()
    environment = {"PATH": os.environ["PATH"], **({"MAINPID": pid} if pid else {})}
    done = subprocess.run([str(script)], env=environment, check=False, timeout=20)
    return done.returncode, time.monotonic() - begun


def test_it_ends_keepalived_and_waits_for_its_last_script(script: Path) -> None:
    procs = script.parent / "procs"
    procs.write_text("7\n8\n")
    late = f"sleep {LATE_S}; echo 8 >{procs}"
    with subprocess.Popen(["sleep", "60"]) as main, subprocess.Popen(["sh", "-c", late]):
        code, took = stop(script, pid=str(main.pid))
        assert main.wait(timeout=5) < 0
    assert code == 0 and took >= LATE_S / 2


@pytest.mark.usefixtures("short_wait")
def test_it_does_not_wait_for_ever(script: Path) -> None:
    (script.parent / "procs").write_text("7\n8\n")
    with subprocess.Popen(["sleep", "60"]) as main:
        code, took = stop(script, pid=str(main.pid))
    assert code == 0 and took >= deploy.STOP_S


def test_what_a_dead_keepalived_leaves_is_not_waited_for(script: Path) -> None:
    """It may hold a VIP that the peer has taken."""
    (script.parent / "procs").write_text("7\n8\n")
    code, took = stop(script, pid="")
    assert code == 0 and took < deploy.STOP_S / 2


@pytest.mark.parametrize(("argument", "told"), [((), 0), (("stopped",), 2)])
def test_the_end_is_told_once_for_each_vip(
    tmp_path: Path, argument: tuple[str, ...], told: int
) -> None:
    """Before a start nothing has ended."""
    plan = plans()["six"].slice("lb")
    files = {file.path: file.content for file in deploy.files(plan.nodes["lb1"], plan)}
    for name, text in (("notify", f'echo "$@" >>{tmp_path}/messages'), ("ip", "exit 2")):
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / name).chmod(0o755)
    text = files[deploy.CLEAN_SCRIPT].replace(notify.PROGRAM, f"{tmp_path}/notify")
    text = text.replace(deploy.STATE_FOLDER, str(tmp_path))
    (tmp_path / "www1.state").touch()
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    subprocess.run(["sh", "-c", text, "vrrp-clean", *argument], env=environment, check=True)
    assert not (tmp_path / "www1.state").exists()
    messages = tmp_path / "messages"
    lines = messages.read_text().splitlines() if messages.exists() else []
    wanted = [["www1", "stopped"], ["www2", "stopped"]]
    assert [line.split()[3:5] for line in lines] == wanted[:told]
