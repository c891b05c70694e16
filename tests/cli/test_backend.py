"""What a killed engine leaves behind: locks, operations, the salt."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from cli import backend, stack_copy
from tests.descriptions import STACKS

SALT = "v1:abc:v1:def"


def lock(state: Path, *, pid: int, host: str | None = None, when: float | None = None) -> Path:
    """Write a lock as the engine does."""
    folder = state / ".pulumi" / "locks" / "organization" / "pairwise" / "six"
    folder.mkdir(parents=True, exist_ok=True)
    taken = datetime.fromtimestamp(when or datetime.now(UTC).timestamp(), UTC)
    path = folder / f"{pid}.json"
    content = {
        "pid": pid,
        "username": "root",
        "hostname": host or socket.gethostname(),
        "timestamp": taken.isoformat(),
    }
    path.write_text(json.dumps(content))
    return path


@pytest.fixture
def gone() -> int:
    """Id of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_lock_of_a_gone_process_is_removed(tmp_path: Path, gone: int) -> None:
    path = lock(tmp_path, pid=gone)
    assert [found.pid for found in backend.remove_stale_locks(tmp_path, "six")] == [gone]
    assert not path.exists()


def test_lock_of_a_living_process_stays(tmp_path: Path) -> None:
    path = lock(tmp_path, pid=os.getpid())
    assert backend.remove_stale_locks(tmp_path, "six") == []
    assert path.exists()


def test_lock_from_another_machine_stays(tmp_path: Path, gone: int) -> None:
    path = lock(tmp_path, pid=gone, host="elsewhere")
    assert backend.remove_stale_locks(tmp_path, "six") == []
    assert path.exists()


def test_lock_whose_number_another_process_has_inherited_is_removed(tmp_path: Path) -> None:
    path = lock(tmp_path, pid=os.getpid(), when=1_000_000_000)
    assert len(backend.remove_stale_locks(tmp_path, "six")) == 1
    assert not path.exists()


def test_lock_that_cannot_be_read_stays(tmp_path: Path) -> None:
    path = lock(tmp_path, pid=1)
    path.write_text("{")
    assert backend.remove_stale_locks(tmp_path, "six") == []
    assert path.exists()


def test_begun_operations_and_salt_are_read_from_the_state(tmp_path: Path) -> None:
    path = backend.checkpoint_file(tmp_path, "six")
    path.parent.mkdir(parents=True)
    urn = "urn:pulumi:six::pairwise::libvirt:index/domain:Domain::lb-lb1-domain"
    latest = {
        "secrets_providers": {"type": "passphrase", "state": {"salt": SALT}},
        "pending_operations": [{"type": "creating", "resource": {"urn": urn}}],
    }
    path.write_text(json.dumps({"version": 3, "checkpoint": {"latest": latest}}))
    found = backend.checkpoint(tmp_path, "six")
    assert backend.pending(found) == ["creating lb-lb1-domain"]
    assert backend.salt(found) == SALT


def test_without_a_state_there_is_nothing(tmp_path: Path) -> None:
    assert backend.checkpoint(tmp_path, "six") == {}
    assert backend.pending({}) == []
    assert backend.salt({}) is None


@pytest.fixture
def tracked() -> Path:
    return STACKS / "Pulumi.six.yaml"


def test_copy_keeps_the_salt_and_leaves_the_description_alone(
    tmp_path: Path, tracked: Path
) -> None:
    copy, before = tmp_path / "Pulumi.six.yaml", tracked.read_bytes()
    stack_copy.build(tracked, copy, lab={"uri": "u"}, offline=False)
    # The engine writes the salt when it creates the stack.
    copy.write_text(f"{copy.read_text()}encryptionsalt: {SALT}\n")
    stack_copy.build(tracked, copy, lab={"uri": "v"}, offline=True)
    written = yaml.safe_load(copy.read_text())
    assert written["encryptionsalt"] == SALT
    assert written["config"]["pairwise:lab"] == {"uri": "v"}
    assert written["config"]["pairwise:offline"] is True
    described = yaml.safe_load(before)["config"]["pairwise:stack"]
    assert written["config"]["pairwise:stack"] == described
    assert tracked.read_bytes() == before


def test_lost_copy_gets_its_salt_from_the_state(tmp_path: Path, tracked: Path) -> None:
    copy = tmp_path / "Pulumi.six.yaml"
    stack_copy.build(tracked, copy, lab=None, offline=False, salt=SALT)
    written = yaml.safe_load(copy.read_text())
    assert written["encryptionsalt"] == SALT
    assert set(written["config"]) == {"pairwise:stack"}


def test_copy_that_is_cut_off_is_written_anew(tmp_path: Path, tracked: Path) -> None:
    copy = tmp_path / "Pulumi.six.yaml"
    copy.write_text("config: [\n")
    stack_copy.build(tracked, copy, lab=None, offline=False)
    assert "pairwise:stack" in yaml.safe_load(copy.read_text())["config"]
