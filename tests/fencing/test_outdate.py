"""What dopd finds as ``drbdadm``: a copy that is said to be outdated is."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from bootstrap.blocks.fencing import deploy
from bootstrap.shared import pairs
from tests.golden.tree import plans

DRBDADM = """#!/bin/sh
# The kernel's rules, as they were seen: it says yes to a connected node and does nothing.
echo "$*" >>{folder}/asked
case "$1" in
sh-minor) echo 1 ;;
disconnect) sed -i 's/ cs:Connected / cs:StandAlone /' {folder}/drbd ;;
connect) sed -i 's/ cs:StandAlone / cs:WFConnection /' {folder}/drbd ;;
outdate)
    grep -q ' 1: .* ro:Primary/' {folder}/drbd && exit 17
    sed -i '/^ 1: cs:Connected /!s/^\\( 1: .* ds:\\)UpToDate/\\1Outdated/' {folder}/drbd
    ;;
esac
exit 0
"""
STATE = """ 0: cs:{cs} ro:Secondary/Primary ds:UpToDate/UpToDate C r-----
 1: cs:{cs} ro:{role}/Primary ds:UpToDate/UpToDate C r-----
"""


class Backup:
    """The node whose copy is to be outdated."""

    def __init__(self, folder: Path, *, cs: str, role: str = "Secondary") -> None:
        self.folder = folder
        plan = next(p for p in plans()["nfs"].deploys.values() if p.is_pair)
        files = {file.path: file.content for file in deploy.files(plan.nodes["nfs1"], plan)}
        text = files[pairs.DOPD_DRBDADM].replace(deploy.DRBDADM, str(folder / "real"))
        for name, content in (
            ("drbdadm", text.replace("/proc/drbd", str(folder / "drbd"))),
            ("real", DRBDADM.format(folder=folder)),
        ):
            (folder / name).write_text(content)
            (folder / name).chmod(0o755)
        (folder / "drbd").write_text(STATE.format(cs=cs, role=role))

    def outdate(self) -> int:
        """As dopd asks."""
        argv = [str(self.folder / "drbdadm"), "outdate", "nfs"]
        return subprocess.run(argv, check=False, capture_output=True, timeout=20).returncode

    @property
    def lines(self) -> list[str]:
        return (self.folder / "drbd").read_text().splitlines()

    @property
    def asked(self) -> list[str]:
        return [line.split()[0] for line in (self.folder / "asked").read_text().splitlines()]


@pytest.mark.parametrize("cs", ["Connected", "WFConnection", "StandAlone"])
def test_the_copy_is_outdated_and_waits_for_the_peer(tmp_path: Path, cs: str) -> None:
    node = Backup(tmp_path, cs=cs)
    assert node.outdate() == 0
    assert " cs:WFConnection " in node.lines[1] and " ds:Outdated/" in node.lines[1]
    assert " ds:UpToDate/" in node.lines[0]


def test_what_still_counts_as_up_to_date_is_no_yes(tmp_path: Path) -> None:
    """A connection that cannot be ended."""
    node = Backup(tmp_path, cs="Connected")
    real = tmp_path / "real"
    real.write_text(real.read_text().replace("disconnect)", "disconnects)"))
    assert node.outdate() == deploy.REFUSED


def test_a_primary_keeps_its_connection_and_refuses(tmp_path: Path) -> None:
    node = Backup(tmp_path, cs="Connected", role="Primary")
    assert node.outdate() == deploy.REFUSED
    assert node.asked == ["sh-minor", "outdate"]


def test_everything_else_is_drbdadm_s(tmp_path: Path) -> None:
    node = Backup(tmp_path, cs="Connected")
    subprocess.run([str(tmp_path / "drbdadm"), "dump", "nfs"], check=True, timeout=20)
    assert node.asked == ["dump"]
