"""What systemd runs before it stops the reconciler and the server: the scripts, with stand-ins."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from bootstrap.blocks.gtid_pair import deploy
from bootstrap.blocks.mysql import gtid
from bootstrap.shared import pairs
from tests.golden.tree import plans


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    """What is to be stopped."""
    started = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    yield started
    started.kill()
    started.wait()


def run(folder: Path, path: str, *arguments: str, **tools: str) -> subprocess.Popen[bytes]:
    part = plans()["duo"].slice("duo")
    node = part.nodes["server1"]
    files = {file.path: file for block in (deploy, gtid) for file in block.files(node, part)}
    for name, text in tools.items():
        (folder / name).write_text(f"#!/bin/sh\n{text}\n")
        (folder / name).chmod(0o755)
    text = files[path].content.replace(pairs.RUN, str(folder))
    return subprocess.Popen(
        ["sh", "-c", text, path, *arguments],
        env={"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"},
    )


def test_in_a_shutdown_the_reconciler_is_told_and_waited_for(
    tmp_path: Path, process: subprocess.Popen[bytes]
) -> None:
    script = run(tmp_path, deploy.LEAVE, str(process.pid), systemctl="echo stopping")
    threading.Event().wait(1)
    assert script.poll() is None
    assert (tmp_path / Path(pairs.LEAVING).name).exists()
    process.kill()
    process.wait()
    assert script.wait(timeout=10) == 0


@pytest.mark.parametrize("state", ["running", "degraded", "starting"])
def test_a_reconciler_that_is_only_started_anew_leaves_nobody(
    tmp_path: Path, process: subprocess.Popen[bytes], state: str
) -> None:
    script = run(tmp_path, deploy.LEAVE, str(process.pid), systemctl=f"echo {state}; exit 1")
    assert script.wait(timeout=10) == 0
    assert not (tmp_path / Path(pairs.LEAVING).name).exists()


def test_a_server_that_is_read_only_is_left_to_its_own_end(
    tmp_path: Path, process: subprocess.Popen[bytes]
) -> None:
    assert run(tmp_path, gtid.STOP, str(process.pid), mysql="exit 0").wait(timeout=10) == 0
    assert process.poll() is None


def test_a_server_that_cannot_be_made_read_only_is_killed(
    tmp_path: Path, process: subprocess.Popen[bytes]
) -> None:
    run(tmp_path, gtid.STOP, str(process.pid), mysql="exit 1").wait(timeout=10)
    assert process.wait(timeout=10) == -9


def test_a_service_that_has_ended_by_itself_has_no_process(tmp_path: Path) -> None:
    assert run(tmp_path, gtid.STOP, mysql="exit 1").wait(timeout=10) == 0
    assert run(tmp_path, deploy.LEAVE, systemctl="echo stopping").wait(timeout=10) == 0
