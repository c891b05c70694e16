"""``activate`` and ``fence confirm``: a person's word, and what is asked before it counts."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from bootstrap.shared import pairs
from cli import commands_pair
from cli.machines import Machines
from cli.main import run
from cli.transport import Ssh
from stacks.plan_types import NodePlan


@pytest.fixture
def scripts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A node that runs what it is told, and whose marks are here."""
    monkeypatch.setattr(commands_pair, "Engine", lambda *_: None)
    monkeypatch.setattr(Ssh, "of_stack", lambda _: Ssh)

    def read(_: NodePlan, script: str, *, timeout_s: float) -> tuple[str, str]:
        assert timeout_s > 0
        text = script.replace(f"{pairs.RUN}/", f"{tmp_path}/")
        done = subprocess.run(["sh", "-c", text], capture_output=True, text=True, check=True)
        return done.stdout, ""

    monkeypatch.setattr(Ssh, "read", staticmethod(read))
    return tmp_path


def machine(monkeypatch: pytest.MonkeyPatch, state: str) -> None:
    monkeypatch.setattr(Machines, "state", lambda *_: state)


CONFIRM = ["fence", "confirm", "nfs", "nfs1"]
ACTIVATE = ["activate", "nfs", "nfs2", "--peer-is-dead"]


@pytest.mark.parametrize("command", [CONFIRM, ACTIVATE])
def test_a_machine_that_runs_is_not_called_off(
    command: list[str],
    scripts: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    machine(monkeypatch, "running")
    assert run(command) != 0
    assert "Machine nfs-nfs1 runs, says its hypervisor" in capsys.readouterr().err
    assert list(scripts.iterdir()) == []


@pytest.mark.parametrize("state", ["shut off", "unknown"])
def test_a_node_that_met_its_peer_goes_on_when_a_person_has_seen_that_one_off(
    state: str, scripts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine(monkeypatch, state)
    (scripts / Path(pairs.MET_PEER).name).touch()
    assert run(CONFIRM) == 0
    assert (scripts / Path(pairs.CONFIRMED).name).read_text() == "nfs1\n"


def test_a_node_that_booted_alone_takes_activate_alone(
    scripts: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    machine(monkeypatch, "shut off")
    assert run(CONFIRM) != 0
    told = capsys.readouterr().err
    assert "nfs2 has not met nfs1 since it booted, and may have older data" in told
    assert "pairwise activate nfs nfs2 --peer-is-dead" in told
    assert list(scripts.iterdir()) == []
    assert run(ACTIVATE) == 0
    assert (scripts / Path(pairs.ACTIVATED).name).read_text() == "nfs1\n"
