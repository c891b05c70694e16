"""What dopd finds as ``drbdadm``: a copy that is said to be outdated is."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from bootstrap.blocks.fencing import deploy
from bootstrap.blocks.fencing.program import outdate
from bootstrap.shared import pairs
from drills.wait import wait_until
from tests.golden.tree import plans

DRBDADM = """#!/bin/sh
# The kernel's rules, as they were seen: it says yes to a connected node and does nothing.
echo "$*" >>{folder}/asked
case "$*" in
*" mysql") minor=0 ;;
*" nfs") minor=1 ;;
esac
case "$1" in
outdate)
    grep -q "^ $minor: .* ro:Primary/" {folder}/drbd && exit 17
    change="/ cs:Connected /!s/ ds:UpToDate/ ds:Outdated/"
    ;;
*) exit 0 ;;
esac
exec flock {folder}/lock sed -i "/^ $minor: /{{$change}}" {folder}/drbd
"""
SLEEP = """#!/bin/sh
echo "sleep $*" >>{folder}/asked
[ "$(grep -c sleep {folder}/asked)" -lt 6 ] || [ ! -e {folder}/cut ] ||
    flock {folder}/lock sed -i "s/ cs:Connected / cs:WFConnection /" {folder}/drbd
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
        for name, content in (
            ("drbdadm", text.replace("/proc/drbd", str(folder / "drbd"))),
            ("real", DRBDADM.format(folder=folder)),
            ("sleep", SLEEP.format(folder=folder)),
        ):
            (folder / name).write_text(content)
            (folder / name).chmod(0o755)
        (folder / "drbd").write_text(STATE.format(cs=cs, role=role, disk=disk))

    def outdate(self, resource: str) -> int:
        """As dopd asks."""
        argv = [str(self.folder / "drbdadm"), "outdate", resource]
        env = {"PATH": f"{self.folder}:{os.environ['PATH']}"}
        done = subprocess.run(argv, check=False, capture_output=True, timeout=20, env=env)
        return done.returncode

    @property
    def lines(self) -> list[str]:
        return (self.folder / "drbd").read_text().splitlines()

    @property
    def asked(self) -> list[str]:
        return (self.folder / "asked").read_text().splitlines()

    def is_outdated(self, *lines: int) -> bool:
        """Whether copies are, maybe a moment after the answer for another one."""
        return all(" ds:Outdated/" in self.lines[line] for line in lines)


@pytest.mark.parametrize("cs", ["WFConnection", "StandAlone"])
def test_every_copy_is_outdated(tmp_path: Path, cs: str) -> None:
    """The peer asks for one, and will ask for the other one."""
    node = Backup(tmp_path, cs=cs)
    assert node.outdate("mysql") == 0
    assert node.is_outdated(0)
    wait_until(lambda: node.is_outdated(0, 1), what="the other copy", timeout_s=10)


def test_a_cut_that_is_not_noticed_yet_is_waited_for(tmp_path: Path) -> None:
    node = Backup(tmp_path, cs="Connected")
    (tmp_path / "cut").touch()
    assert node.outdate("nfs") == 0
    assert node.is_outdated(1)


def test_a_connection_that_stays_is_a_new_one_and_is_kept(tmp_path: Path) -> None:
    """Seen after a freeze: ended, it came back, was ended again, for more than a minute."""
    node = Backup(tmp_path, cs="Connected")
    assert node.outdate("nfs") == outdate.BROKEN
    assert all(" cs:Connected " in line and " ds:UpToDate/" in line for line in node.lines)
    assert {line.split()[0] for line in node.asked} == {"sleep"}


def test_what_the_node_serves_itself_is_left_alone(tmp_path: Path) -> None:
    """Each node holds a group, and each asks the other."""
    node = Backup(tmp_path, cs="WFConnection", role="Primary")
    assert node.outdate("mysql") == 0
    assert node.is_outdated(0)
    assert " ds:UpToDate/" in node.lines[1]


def test_a_copy_that_is_not_whole_needs_no_more(tmp_path: Path) -> None:
    """The link was cut while it was being copied."""
    node = Backup(tmp_path, cs="WFConnection", disk="Inconsistent")
    assert node.outdate("nfs") == 0
    assert node.outdate("mysql") == 0
    assert " ds:Inconsistent/" in node.lines[0] and node.is_outdated(1)


def test_what_still_counts_as_up_to_date_is_no_yes(tmp_path: Path) -> None:
    """The peer was there again just then, and the kernel did nothing."""
    node = Backup(tmp_path, cs="WFConnection")
    (tmp_path / "real").write_text("#!/bin/sh\n")
    assert node.outdate("nfs") == outdate.BROKEN


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
