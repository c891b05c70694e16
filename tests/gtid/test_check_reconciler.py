"""keepalived's check on a node of a GTID pair: whether its reconciler lives."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest

from bootstrap.blocks.gtid_pair.program.publish import Publisher
from bootstrap.blocks.keepalived import deploy
from bootstrap.shared import pairs
from cli import groups, gtid_move
from tests.golden.tree import plans

OLD_S = deploy.ALIVE_S + 2


@pytest.fixture
def script(tmp_path: Path) -> str:
    part = plans()["duo"].slice("duo")
    files = {file.path: file for file in deploy.files(part.nodes["server1"], part)}
    text = files[deploy.ALIVE_SCRIPT].content.replace(pairs.RUN, str(tmp_path))
    return text.replace(deploy.STATE_FOLDER, str(tmp_path))


def says(folder: Path, role: str, *, may: bool, age_s: float = 0) -> None:
    publisher = Publisher(
        document=folder / "gtid.json",
        holds=folder / Path(pairs.GTID_HOLDS).name,
        alive=folder / Path(pairs.GTID_ALIVE).name,
    )
    publisher.say({"time": time.time(), "role": role, "may_hold": may, "does": "nothing"})
    since_boot, rest = publisher.alive.read_text().split(" ", 1)
    publisher.alive.write_text(f"{int(since_boot) - int(age_s)} {rest}")


def succeeds(script: str) -> bool:
    # No PATH: it costs no process beside its own.
    command = ["/bin/sh", "-c", script]
    done = subprocess.run(command, check=False, env={"PATH": ""}, capture_output=True, text=True)
    assert not done.stderr
    return done.returncode == 0


@pytest.mark.parametrize("role", ["source", "replica", "quarantined", "unknown"])
@pytest.mark.parametrize("may", [True, False])
def test_a_reconciler_that_speaks_lives_whatever_it_says(
    script: str, tmp_path: Path, role: str, may: bool
) -> None:
    says(tmp_path, role, may=may)
    assert (tmp_path / Path(pairs.GTID_HOLDS).name).read_text() == f"{int(may)}\n"
    assert succeeds(script)


@pytest.mark.parametrize(("may", "keeps"), [(True, True), (False, False)])
def test_a_vip_that_is_here_against_its_word_is_given_up(
    script: str, tmp_path: Path, may: bool, keeps: bool
) -> None:
    says(tmp_path, "replica", may=may)
    (tmp_path / "inside.state").write_text("MASTER\n")
    assert succeeds(script) is keeps


@pytest.mark.parametrize(
    ("role", "state", "keeps"),
    [
        ("source", "MASTER", True),
        ("source", "FAULT", False),
        ("source", "BACKUP", False),
        ("replica", "MASTER", False),
        ("unknown", "MASTER", False),
    ],
)
def test_a_dead_reconciler_takes_the_vips_from_no_source_and_gives_them_to_nobody(
    script: str, tmp_path: Path, role: str, state: str, keeps: bool
) -> None:
    says(tmp_path, role, may=True, age_s=OLD_S)
    assert not succeeds(script)
    (tmp_path / "outside.state").write_text("BACKUP\n")
    (tmp_path / "inside.state").write_text(f"{state}\n")
    assert succeeds(script) is keeps


@pytest.mark.parametrize("said", ["", "\n", "source 1\n", "? source 1\n", "12 source yes\n"])
def test_no_word_and_one_that_is_none_is_a_dead_reconciler_s(
    script: str, tmp_path: Path, said: str
) -> None:
    (tmp_path / "inside.state").write_text("MASTER\n")
    assert not succeeds(script)
    (tmp_path / Path(pairs.GTID_ALIVE).name).write_text(said)
    assert not succeeds(script)


def test_a_node_is_out_no_later_than_one_whose_script_asked_for_its_role() -> None:
    """As it was with a shell each second: 10 s, and two checks."""
    assert deploy.ALIVE_S + deploy.ALIVE_INTERVAL_S <= 12
    assert deploy.ALIVE_INTERVAL_S + deploy.ALIVE_TIMEOUT_S <= 12


def test_keepalived_s_umask_hides_no_state_from_the_check(tmp_path: Path) -> None:
    part = plans()["duo"].slice("duo")
    files = {file.path: file for file in deploy.files(part.nodes["server1"], part)}
    folder = tmp_path / "keepalived"
    text = files[deploy.NOTIFY_SCRIPT].content.replace(deploy.STATE_FOLDER, str(folder))
    command = ["sh", "-c", text, "notify", "INSTANCE", "inside", "MASTER", "101"]
    # As `ls -l /run/keepalived` has shown it: the folder was drw-------.
    subprocess.run(command, check=False, umask=0o177)
    assert folder.stat().st_mode & 0o777 == 0o755
    assert (folder / "inside.state").stat().st_mode & 0o777 == 0o644


def test_a_killed_switchover_does_not_count_for_ever() -> None:
    assert pairs.STANDBY_S > gtid_move.MOVE_S + 2 * groups.ASK_S
