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
from drills.described import write_changed
from stacks.plan_types import NodePlan

DRBDADM = """#!/bin/sh
case $1 in
cstate) echo WFConnection ;;
role) echo Secondary/Unknown ;;
dstate) echo $(cat {tools}/disk)/DUnknown ;;
*) echo "$*" >>{tools}/told ;;
esac
"""


@pytest.fixture
def scripts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A node that runs what it is told, and whose marks are here."""
    monkeypatch.setattr(commands_pair, "Engine", lambda *_: None)
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "drbdadm").write_text(DRBDADM.format(tools=tools))
    (tools / "drbdadm").chmod(0o755)
    (tools / "disk").write_text("UpToDate")
    monkeypatch.setattr(Ssh, "of_stack", lambda _: Ssh)

    def read(_: NodePlan, script: str, *, timeout_s: float) -> tuple[str, str]:
        assert timeout_s > 0
        text = script.replace(f"{pairs.RUN}/", f"{tmp_path}/marks/")
        environment = {"PATH": f"{tools}:/usr/bin:/bin"}
        done = subprocess.run(
            ["sh", "-c", text], capture_output=True, text=True, check=True, env=environment
        )
        return done.stdout, ""

    monkeypatch.setattr(Ssh, "read", staticmethod(read))
    marks = tmp_path / "marks"
    marks.mkdir()
    return marks


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


def test_a_pair_without_confirm_takes_no_word(
    scripts: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    machine(monkeypatch, "shut off")
    (scripts / Path(pairs.MET_PEER).name).touch()
    write_changed(tmp_path, "nfs", {"put": {"pairs.nfs.fencing": ["hypervisor"]}})
    monkeypatch.setenv("PAIRWISE_STACKS", str(tmp_path))
    assert run(CONFIRM) != 0
    told = capsys.readouterr().err
    assert "its pair's fencing is hypervisor. Add confirm to that" in told
    assert not (scripts / Path(pairs.CONFIRMED).name).exists()


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


def test_an_outdated_copy_is_the_newest_one_when_its_peer_is_lost(
    scripts: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    machine(monkeypatch, "shut off")
    tools = scripts.parent / "tools"
    assert run(ACTIVATE) == 0
    assert not (tools / "told").exists(), "one that is not outdated DRBD gives by itself"
    (tools / "disk").write_text("Outdated")
    assert run(ACTIVATE) == 0
    assert (tools / "told").read_text() == "primary --force nfs\n"
    assert "nfs: this copy was outdated, and is the newest one from now on" in (
        capsys.readouterr().err
    )
    (tools / "disk").write_text("Inconsistent")
    assert run(ACTIVATE) != 0
    assert "The copy of nfs on nfs2 is not whole" in capsys.readouterr().err
    assert (tools / "told").read_text() == "primary --force nfs\n"
