"""The program that gives two new disks their first data, with DRBD's commands played."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bootstrap.blocks.drbd import deploy
from bootstrap.deploy import render_all
from bootstrap.facts.disks import EXT4_LABEL_AT, UNFINISHED
from tests.golden.tree import plans

NEW = "cs:Connected ro:Secondary/Secondary ds:Inconsistent/Inconsistent"
BEGUN = "cs:Connected ro:Secondary/Secondary ds:UpToDate/UpToDate"
COPYING = "cs:SyncSource ro:Secondary/Secondary ds:UpToDate/Inconsistent"
PLAYED = """\
#!/bin/bash
name=${{0##*/}}
echo "$name $*" >>{told}
case "$name $1" in
"drbdadm sh-minor") echo 0 ;;
"drbdadm role") echo Primary/Secondary ;;
"drbdsetup-84 wait-connect") exit {met} ;;
esac
"""
COMMANDS = ("drbdadm", "drbdsetup-84", "mkfs.ext4", "mount", "umount", "mountpoint", "rmdir")


@dataclass
class Node:
    """A node's DRBD, and what its program did."""

    root: Path
    state: str
    met: bool = True
    label: str = ""
    content: bytes = b""
    told: list[str] = field(default_factory=list)

    def run(self, disks: str) -> subprocess.CompletedProcess[str]:
        place = self.root / "bin"
        place.mkdir(parents=True)
        told = self.root / "told"
        for name in (*COMMANDS, "tune2fs"):
            (place / name).write_text(PLAYED.format(told=told, met=0 if self.met else 5))
            (place / name).chmod(0o755)
        disk = bytearray(1 << 20)
        disk[: len(self.content)] = self.content
        disk[EXT4_LABEL_AT : EXT4_LABEL_AT + len(self.label)] = self.label.encode()
        (self.root / "drbd0").write_bytes(disk)
        (self.root / "proc").write_text(f" 0: {self.state} C r-----\n")
        text = render_all(plans()["nfs"])["nfs1"][deploy.FIRST_DATA].content
        for real, played in (
            ("/usr/lib/drbd/drbdsetup-84", "drbdsetup-84"),
            ("/dev/drbd$minor", str(self.root / "drbd$minor")),
            ("/proc/drbd", str(self.root / "proc")),
        ):
            assert real in text
            text = text.replace(real, played)
        words = ["bash", "-c", text, "first-data", "nfs", str(self.root / "at"), disks]
        path = f"{place}:{os.environ['PATH']}"
        done = subprocess.run(
            words,
            env={"PATH": path},
            capture_output=True,
            text=True,
            check=False,
            timeout=20,
        )
        self.told = told.read_text().splitlines() if told.exists() else []
        return done

    def said(self, beginning: str) -> list[str]:
        return [line for line in self.told if line.startswith(beginning)]


@pytest.mark.parametrize(
    ("disks", "command"),
    [
        ("same", "drbdadm new-current-uuid --clear-bitmap nfs"),
        ("sync", "drbdadm primary --force nfs"),
    ],
)
def test_only_disks_that_were_read_whole_are_not_copied(
    tmp_path: Path, disks: str, command: str
) -> None:
    node = Node(tmp_path, NEW)
    done = node.run(disks)
    assert done.returncode == 0, done.stderr
    ways = [*node.said("drbdadm new-current-uuid"), *node.said("drbdadm primary --force")]
    assert ways == [command]
    assert len(node.said("mkfs.ext4")) == 1
    assert node.said("tune2fs") == [f"tune2fs -L nfs {tmp_path}/drbd0"]
    assert node.told[-1] == "drbdadm secondary nfs"


@pytest.mark.parametrize("state", [BEGUN, COPYING])
def test_what_was_cut_off_is_begun_again_without_another_copy(tmp_path: Path, state: str) -> None:
    node = Node(tmp_path, state, label=UNFINISHED)
    assert node.run("sync").returncode == 0
    assert not node.said("drbdadm new-current-uuid")
    assert not node.said("drbdadm primary --force")
    assert len(node.said("mkfs.ext4")) == 1


@pytest.mark.parametrize(
    "state",
    [
        "cs:Connected ro:Secondary/Primary ds:UpToDate/UpToDate",
        "cs:Connected ro:Primary/Secondary ds:UpToDate/UpToDate",
        "cs:SyncTarget ro:Secondary/Primary ds:Inconsistent/UpToDate",
        "cs:SyncTarget ro:Secondary/Secondary ds:Inconsistent/UpToDate",
    ],
)
def test_a_peer_with_data_keeps_them(tmp_path: Path, state: str) -> None:
    node = Node(tmp_path, state)
    done = node.run("sync")
    assert (done.returncode, node.said("mkfs.ext4")) == (0, [])
    assert "holds data already" in done.stdout
    assert not node.said("drbdadm primary") and not node.said("drbdadm new-current-uuid")


@pytest.mark.parametrize("state", [BEGUN, COPYING])
def test_a_finished_file_system_is_not_made_again(tmp_path: Path, state: str) -> None:
    node = Node(tmp_path, state, label="nfs")
    assert node.run("same").returncode == 0
    assert node.said("mkfs.ext4") == []
    assert node.told[-1] == "drbdadm secondary nfs"


def test_bytes_of_somebody_else_are_not_written_over(tmp_path: Path) -> None:
    node = Node(tmp_path, NEW, content=b"something")
    done = node.run("same")
    assert (done.returncode, node.said("mkfs.ext4")) == (1, [])
    assert "look at" in done.stdout


@pytest.mark.parametrize("state", ["cs:WFConnection ro:Secondary/Unknown ds:Inconsistent/DUnknown"])
def test_without_its_peer_nothing_is_made(tmp_path: Path, state: str) -> None:
    node = Node(tmp_path, state, met=False)
    done = node.run("same")
    assert (done.returncode, node.said("mkfs.ext4")) == (1, [])
    assert "has not met its peer" in done.stdout
