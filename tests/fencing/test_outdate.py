"""What dopd finds as ``drbdadm``: a copy that is said to be outdated is."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from bootstrap.blocks.fencing import deploy
from bootstrap.shared import pairs
from drills.wait import wait_until
from tests.golden.tree import plans

DRBDADM = """#!/bin/sh
# The kernel's rules, as they were seen: it says yes to a connected node and does nothing.
echo "$*" >>{folder}/asked
case "$*" in
"disconnect ipv4:10.71.2.32:7788 ipv4:10.71.2.31:7788 --force") minor=0 ;;
"disconnect ipv4:10.71.2.32:7789 ipv4:10.71.2.31:7789 --force") minor=1 ;;
*" mysql") minor=0 ;;
*" nfs") minor=1 ;;
esac
case "$1" in
disconnect) change="s/ cs:Connected / cs:StandAlone /" ;;
connect) change="s/ cs:StandAlone / cs:WFConnection /" ;;
outdate)
    grep -q "^ $minor: .* ro:Primary/" {folder}/drbd && exit 17
    change="/ cs:Connected /!s/ ds:UpToDate/ ds:Outdated/"
    ;;
*) exit 0 ;;
esac
exec flock {folder}/lock sed -i "/^ $minor: /{{$change}}" {folder}/drbd
"""
STATE = """ 0: cs:{cs} ro:Secondary/Primary ds:{disk}/UpToDate C r-----
 1: cs:{cs} ro:{role}/Primary ds:UpToDate/UpToDate C r-----
"""


class Backup:
    """The node of stack six whose copy is to be outdated."""

    def __init__(
        self, folder: Path, *, cs: str, role: str = "Secondary", disk: str = "UpToDate"
    ) -> None:
        self.folder = folder
        plan = next(p for p in plans()["six"].deploys.values() if "data2" in p.nodes)
        files = {file.path: file.content for file in deploy.files(plan.nodes["data2"], plan)}
        text = files[pairs.OUTDATE_DRBDADM].replace(deploy.DRBDADM, str(folder / "real"))
        text = text.replace(deploy.DRBDSETUP, str(folder / "real"))
        for name, content in (
            ("drbdadm", text.replace("/proc/drbd", str(folder / "drbd"))),
            ("real", DRBDADM.format(folder=folder)),
        ):
            (folder / name).write_text(content)
            (folder / name).chmod(0o755)
        (folder / "drbd").write_text(STATE.format(cs=cs, role=role, disk=disk))

    def outdate(self, resource: str) -> int:
        """As dopd asks."""
        argv = [str(self.folder / "drbdadm"), "outdate", resource]
        return subprocess.run(argv, check=False, capture_output=True, timeout=20).returncode

    @property
    def lines(self) -> list[str]:
        return (self.folder / "drbd").read_text().splitlines()

    @property
    def asked(self) -> list[str]:
        return (self.folder / "asked").read_text().splitlines()

    def waits(self, line: int) -> None:
        """The connection is tried again, in its own time."""
        wait_until(
            lambda: " cs:WFConnection " in self.lines[line], what="a connection", timeout_s=10
        )


@pytest.mark.parametrize("cs", ["Connected", "WFConnection", "StandAlone"])
def test_every_copy_is_outdated_and_waits_for_the_peer(tmp_path: Path, cs: str) -> None:
    """The peer asks for one and takes the answer for both."""
    node = Backup(tmp_path, cs=cs)
    assert node.outdate("mysql") == 0
    assert all(" ds:Outdated/" in line for line in node.lines)
    node.waits(0)
    node.waits(1)


def test_what_the_node_serves_itself_is_left_alone(tmp_path: Path) -> None:
    """Each node holds a group, and each asks the other."""
    node = Backup(tmp_path, cs="Connected", role="Primary")
    assert node.outdate("mysql") == 0
    assert " ds:Outdated/" in node.lines[0]
    assert " cs:Connected " in node.lines[1] and " ds:UpToDate/" in node.lines[1]


def test_a_copy_that_is_not_whole_needs_no_more(tmp_path: Path) -> None:
    """The link was cut while it was being copied."""
    node = Backup(tmp_path, cs="WFConnection", disk="Inconsistent")
    assert node.outdate("nfs") == 0
    assert " ds:Inconsistent/" in node.lines[0] and " ds:Outdated/" in node.lines[1]


@pytest.mark.parametrize("resource", ["mysql", "nfs"])
def test_what_still_counts_as_up_to_date_is_no_yes(tmp_path: Path, resource: str) -> None:
    """The connection of one of them cannot be ended."""
    node = Backup(tmp_path, cs="Connected")
    real = tmp_path / "real"
    real.write_text(real.read_text().replace('7789 --force") minor=1', '7789 --force") exit 10'))
    assert node.outdate(resource) == deploy.REFUSED


def test_a_primary_keeps_its_connection_and_refuses(tmp_path: Path) -> None:
    node = Backup(tmp_path, cs="Connected", role="Primary")
    assert node.outdate("nfs") == deploy.REFUSED
    assert " cs:Connected " in node.lines[1] and " ds:UpToDate/" in node.lines[1]


def test_an_unknown_disk_is_refused(tmp_path: Path) -> None:
    node = Backup(tmp_path, cs="Connected")
    assert node.outdate("other") == deploy.UNKNOWN
    assert all(" cs:Connected " in line for line in node.lines)


def test_everything_else_is_drbdadm_s(tmp_path: Path) -> None:
    node = Backup(tmp_path, cs="Connected")
    subprocess.run([str(tmp_path / "drbdadm"), "dump", "nfs"], check=True, timeout=20)
    assert node.asked == ["dump nfs"]
