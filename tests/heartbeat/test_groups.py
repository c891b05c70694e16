"""How groups are started and stopped: the node's own text runs, resource scripts are stand-ins."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from bootstrap.blocks.heartbeat import deploy
from drills.faults_inside import LOST_REQUEST, TAKES
from drills.wait import wait_until
from tests.heartbeat.test_shellfuncs import node_files

PACKAGED = """#!/bin/sh
. $HA_FUNCS
echo "the package's own text of $0 is reached" >&2
exit 99
"""
"""A program of Heartbeat's, which reads its functions first."""
SCRIPT = """#!/bin/sh
name=${{0##*/}}
for verb; do :; done
me="$name $*" first=${{1%/*}}
[ "$verb" = status ] || echo "$me" >>{folder}/calls
case $verb in
status) [ -e "{folder}/up $name $first" ] && echo running || echo stopped ;;
start)
    [ ! -e "{folder}/meet" ] || {{
        touch "{folder}/met $first"
        for try in $(seq 200); do [ "$(ls {folder} | grep -c ^met)" = 2 ] && break; sleep 0.02; done
        [ "$try" != 200 ] || exit 1
    }}
    [ ! -e "{folder}/fails $name" ] || exit 1
    touch "{folder}/up $name $first" ;;
stop)
    [ ! -e "{folder}/stuck $name" ] || {{ rm "{folder}/stuck $name"; exit 1; }}
    rm -f "{folder}/up $name $first" ;;
esac
"""
NFS_KEY, MYSQL_KEY = "drbddisk::nfs", "drbddisk::mysql"


class Node:
    """data1 of stack six, whose groups prefer data1 (mysql) and data2 (nfs)."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        texts = node_files()
        for name in ("resource.d", "share"):
            (folder / name).mkdir(parents=True)
        functions = texts[deploy.SHELLFUNCS].replace(deploy.MANAGER, str(folder / "groups"))
        (folder / "shellfuncs").write_text(functions)
        (folder / "groups").write_text(texts[deploy.MANAGER])
        (folder / "haresources").write_text(texts[deploy.HARESOURCES])
        for name in ("drbddisk", "pwunit", "pwvip"):
            self.program(f"resource.d/{name}", SCRIPT.format(folder=folder))
        for name in ("ResourceManager", "mach_down"):
            self.program(f"share/{name}", PACKAGED)
        self.program("share/hb_standby", f'#!/bin/sh\necho "$*" >>{folder}/standby\n')
        self.program("sleep", '#!/bin/sh\n[ "$1" = 30 ] || exec /bin/sleep "$1"\n')

    def program(self, name: str, text: str) -> None:
        path = self.folder / name
        path.write_text(text)
        path.chmod(0o755)

    def call(self, name: str, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        folder = self.folder
        env = {
            "PATH": f"{folder}:{os.environ['PATH']}",
            "HA_FUNCS": f"{folder}/shellfuncs",
            "HA_DIR": str(folder),
            "HA_RESOURCEDIR": f"{folder}/resource.d",
            "HA_NOARCHBIN": f"{folder}/share",
            "HA_FIFO": f"{folder}/fifo",
            "HA_CURHOST": "data1",
            "HA_LOGFACILITY": "none",
            "HA_DEBUGLOG": f"{folder}/log",
            **more,
        }
        return subprocess.run(
            [str(folder / "share" / name), *arguments],
            env=env,
            check=False,
            capture_output=True,
            text=True,
            timeout=30,
        )

    def manager(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.call("ResourceManager", *arguments)

    def mark(self, name: str) -> None:
        (self.folder / name).touch()

    @property
    def calls(self) -> list[str]:
        path = self.folder / "calls"
        lines = path.read_text().splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        return lines


@pytest.fixture
def here(tmp_path: Path) -> Node:
    return Node(tmp_path / "node")


def vip(node: Node, group: str) -> str:
    line = next(
        line for line in (node.folder / "haresources").read_text().splitlines() if group in line
    )
    return line.split("pwvip::")[1].split("/")[0]


def test_heartbeat_s_own_questions_are_answered(here: Node) -> None:
    assert here.manager("listkeys", "data1").stdout == f"{MYSQL_KEY}\n"
    assert here.manager("listkeys", "data2").stdout == f"{NFS_KEY}\n"
    both = f"{MYSQL_KEY}\n{NFS_KEY}\n"
    assert here.manager("listkeys", ".*").stdout == here.manager("allkeys").stdout == both
    # What a standby gives up and takes: Heartbeat asks for it by these words.
    assert here.manager("ourkeys").stdout == f"{MYSQL_KEY}\n"
    assert here.manager("otherkeys").stdout == f"{NFS_KEY}\n"
    assert here.manager("status", MYSQL_KEY).returncode != 0
    assert here.manager("what").returncode == 2


def test_a_group_starts_from_left_to_right_and_stops_the_other_way(here: Node) -> None:
    assert here.manager("takegroup", MYSQL_KEY).returncode == 0
    started = here.calls
    assert [line.split()[0] for line in started] == ["drbddisk", "pwunit", "pwvip"]
    assert started[0] == "drbddisk mysql start"
    assert started[1] == "pwunit srv-mysql.mount mysql.service start"
    assert here.manager("status", MYSQL_KEY).returncode == 0
    assert here.manager("givegroup", MYSQL_KEY).returncode == 0
    stopped = here.calls
    assert stopped == [line.replace("start", "stop") for line in reversed(started)]
    assert here.manager("status", MYSQL_KEY).returncode != 0


def test_a_group_that_is_here_is_not_started_again(here: Node) -> None:
    here.manager("takegroup", NFS_KEY)
    assert here.calls
    here.manager("takegroup", NFS_KEY)
    assert here.calls == []


def test_what_is_missing_of_a_group_is_started(here: Node) -> None:
    here.manager("takegroup", MYSQL_KEY)
    here.calls  # noqa: B018
    (here.folder / f"up pwvip {vip(here, 'mysql')}").unlink()
    here.manager("takegroup", MYSQL_KEY)
    assert len(here.calls) == 3


def test_a_start_that_fails_is_taken_back_and_handed_over(here: Node) -> None:
    here.mark("fails pwvip")
    assert here.manager("takegroup", MYSQL_KEY).returncode == 1
    verbs = [line.split()[0] + " " + line.split()[-1] for line in here.calls]
    assert verbs[:6] == [
        "drbddisk start",
        "pwunit start",
        "pwvip start",
        "pwvip stop",
        "pwunit stop",
        "drbddisk stop",
    ]
    # A file of its own, which nobody takes away while it is being written.
    standby = here.folder / "standby"
    wait_until(
        lambda: standby.exists() and standby.read_text() != "", what="a standby", timeout_s=10
    )
    assert standby.read_text() == "local\n", "its own group is what this node hands over"


def test_a_stop_that_fails_is_tried_again(here: Node) -> None:
    here.manager("takegroup", MYSQL_KEY)
    here.calls  # noqa: B018
    here.mark("stuck drbddisk")
    here.manager("givegroup", MYSQL_KEY)
    assert [line.split()[0] for line in here.calls] == ["pwvip", "pwunit", "drbddisk", "drbddisk"]


def test_a_dead_node_s_groups_and_this_one_s_own_come_side_by_side(here: Node) -> None:
    here.mark("meet")
    for name in ("pwunit", "pwvip"):
        here.program(f"resource.d/{name}", "#!/bin/sh\nexit 0\n")
    done = here.call("mach_down", "data2")
    assert done.returncode == 0, done.stderr
    assert sorted(here.calls) == ["drbddisk mysql start", "drbddisk nfs start"]
    assert (here.folder / "fifo").read_text() == (
        ">>>\nt=resource\nrsc_hold=foreign\ninfo=mach_down\n<<<\n"
    )
    assert "mach_down takeover complete for node data2." in done.stderr


@pytest.mark.parametrize(("node", "info"), [("data1", ""), ("10.74.1.1", "ping")])
def test_neither_this_node_nor_a_ping_address_is_taken_over(
    here: Node, node: str, info: str
) -> None:
    here.call("mach_down", node, HA_info=info)
    assert here.calls == []
    assert not (here.folder / "fifo").exists()


@pytest.mark.parametrize("program", ["ResourceManager", "mach_down"])
def test_a_drill_loses_one_take_over_and_the_next_one_ends_that(here: Node, program: str) -> None:
    folder, groups = here.folder, here.folder / "groups"
    lines = LOST_REQUEST.format(key=NFS_KEY, folder=folder, manager=groups)
    (folder / "lines").write_text(lines)
    subprocess.run(["sed", "-i", f"/^{TAKES}/r {folder}/lines", str(groups)], check=True)
    here.program("umount", f'#!/bin/sh\necho "$*" >>{folder}/umounted\n')
    here.mark("lose")
    words = ("takegroup", NFS_KEY) if program == "ResourceManager" else ("data2",)
    assert here.call(program, *words).returncode == 0
    assert not any("nfs" in call for call in here.calls), "Heartbeat believes that it was done"
    assert not (folder / "umounted").exists()
    assert here.manager("takegroup", MYSQL_KEY).returncode == 0
    assert here.manager("takegroup", NFS_KEY).returncode == 0
    assert any("drbddisk nfs start" in call for call in here.calls)
    assert (folder / "umounted").read_text() == f"-l {groups}\n"
    noted = [line.split()[0] for line in (folder / "requests").read_text().splitlines()]
    assert noted == ["lost", "passed"]
