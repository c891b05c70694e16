"""``vrrp-stop``: keepalived's last messages are written before systemd kills what is left."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

from bootstrap.blocks.keepalived import deploy
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
