"""The program as the block installs it: its configuration fits, it runs, it ends at once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bootstrap.blocks.monitor import deploy
from bootstrap.blocks.monitor.program import config as configuration
from bootstrap.blocks.monitor.program.__main__ import Monitor
from bootstrap.blocks.monitor.program.memory import Memory
from bootstrap.blocks.monitor.program.observe import Observer
from bootstrap.blocks.monitor.program.seen import Holding, Now
from bootstrap.managed import ManagedFile
from tests.golden.tree import plans
from tests.monitor.fake_node import Node
from tests.monitor.given import CONFIG

DEADLINE_S = 20


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Node:
    return Node(tmp_path, monkeypatch)


def data_files() -> tuple[ManagedFile, ...]:
    plan = next(p for p in plans()["nfs"].deploys.values() if p.is_pair)
    return deploy.files(next(iter(plan.nodes.values())), plan)


def test_the_plan_s_configuration_fits_the_program() -> None:
    (file,) = (file for file in data_files() if file.path == deploy.CONFIG)
    found = configuration.parse(json.loads(file.content))
    (group,) = found.groups
    assert (found.node, found.peer) == ("nfs1", "nfs2")
    assert group.watched == ("nfsdcld.service", "nfs-server.service", "nfs-mountd.service")
    assert (group.key, group.threads_of) == ("drbddisk::nfs", "nfs-server.service")


def test_a_wrong_configuration_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "monitor.json"
    path.write_text('{"node": "data1"}')
    with pytest.raises(SystemExit, match="`pairwise up` writes it anew"):
        configuration.load(path)


def wait_for(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_what_is_installed_runs_and_ends_at_once(here: Node) -> None:
    root, run = here.folder / "installed", here.folder / "run"
    run.mkdir()
    for file in data_files():
        if file.path.startswith(deploy.FOLDER) or file.path == deploy.CONFIG:
            target = root / file.path.lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(file.content)
    environment = {**os.environ, "PYTHONPATH": str(root / deploy.FOLDER.lstrip("/"))}
    config, state = root / deploy.CONFIG.lstrip("/"), here.folder / "memory.json"
    argv = [sys.executable, "-P", "-B", "-m", "bootstrap.blocks.monitor.program"]
    process = subprocess.Popen(
        [*argv, str(config), str(state), str(run)], env=environment, cwd=here.folder
    )
    try:
        wait_for((run / "problems.json").exists)
        first = json.loads((run / "status.json").read_text())
        wait_for(
            lambda: json.loads((run / "status.json").read_text())["written"] > first["written"]
        )
        assert json.loads(state.read_text())["handovers"] == []
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(5) == -signal.SIGTERM
    assert first["node"] == "nfs1" and first["groups"][0]["name"] == "nfs"


@pytest.mark.parametrize(
    ("linked", "age_s", "stays"), [(True, 60, False), (True, 5, True), (False, 60, True)]
)
def test_what_was_said_of_an_absent_peer_ends_when_it_is_heard(
    here: Node, linked: bool, age_s: float, stays: bool
) -> None:
    """DRBD goes on for some seconds before it misses one that was just powered off."""
    mark = here.folder / "fence-confirmed"
    mark.touch()
    then = time.time() - age_s
    os.utime(mark, (then, then))
    config = replace(CONFIG, of_absence=(str(mark), str(here.folder / "none")))
    monitor = Monitor(config, here.folder / "memory.json", here.folder)
    monitor.observer = Observer(config, proc=here.proc)
    monitor.memory = Memory(was={"mysql": Holding.HELD})
    if not linked:
        drbd = here.proc / "drbd"
        drbd.write_text(drbd.read_text().replace("cs:Connected", "cs:WFConnection"))
    monitor.one_pass(Now(mono=time.monotonic(), wall=time.time()))
    assert mark.exists() is stays


def test_a_pass_takes_its_time_while_heartbeat_moves_groups(here: Node) -> None:
    """What starts then needs the processor, and nothing may be done."""
    monitor = Monitor(CONFIG, here.folder / "memory.json", here.folder)
    monitor.memory = Memory(changing_since=5.0)
    moving = monitor.pace_s
    monitor.memory = Memory()
    assert moving == 2 * monitor.pace_s
