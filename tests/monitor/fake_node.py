"""A folder in place of a node: its /proc, and programs that write down their calls."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bootstrap.blocks.monitor.program.effects import Runner
from tests.monitor.given import CONFIG

FIB_TRIE = """Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 0.0.0.0
        /0 universe UNICAST
     +-- 10.9.0.0/24 2 0 2
        |-- 10.9.0.0
           /24 link UNICAST
        |-- 10.9.0.11
           /32 host LOCAL
        |-- 10.9.0.100
           /32 host LOCAL
        |-- 10.9.0.255
           /32 link BROADCAST
"""
MOUNTS = """proc /proc proc rw,nosuid 0 0
/dev/drbd0 /srv/db ext4 rw,noatime 0 0
/dev/drbd1 /srv/other ext4 rw,noatime 0 0
"""
DRBD = """version: 8.4.11 (api:1/proto:86-101)
 0: cs:Connected ro:Primary/Secondary ds:UpToDate/UpToDate C r-----
    ns:0 nr:0 dw:0 dr:0 al:8 bm:0 lo:0 pe:0 ua:0 ap:0 ep:1 wo:f oos:0
 1: cs:Connected ro:Secondary/Primary ds:UpToDate/UpToDate C r-----
    ns:0 nr:0 dw:0 dr:0 al:8 bm:0 lo:0 pe:0 ua:0 ap:0 ep:1 wo:f oos:0
"""
SHOW = "ActiveState=active\nSubState=running\nNRestarts=0\n"
FAKE = """#!/bin/sh
echo "$(basename "$0") $*" >>{log}
case "$(basename "$0") $1" in
"systemctl is-active") exit {inactive} ;;
"systemctl show") for i in 1 2 3 4 5; do printf '{show}\\n'; done ;;
"cl_status rscstatus") echo local ;;
"cl_status nodestatus") case $2 in *.*) echo ping ;; *) echo active ;; esac ;;
esac
exit {code}
"""


class Node:
    """The folder."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.proc = folder / "proc"
        self.log = folder / "log"
        for name, text in (
            ("drbd", DRBD),
            ("self/mounts", MOUNTS),
            ("net/fib_trie", FIB_TRIE),
            ("fs/nfsd/threads", "8\n"),
        ):
            (self.proc / name).parent.mkdir(parents=True, exist_ok=True)
            (self.proc / name).write_text(text)
        self.functions = folder / "shellfuncs"
        self.functions.write_text(f"ha_clustermsg() {{ cat >>{self.log}; }}\n")
        self.programs()
        monkeypatch.setenv("PATH", f"{folder}/bin:{os.environ['PATH']}")

    def programs(self, *, inactive: int = 0, code: int = 0, show: str = SHOW) -> None:
        """Write the programs anew."""
        (self.folder / "bin").mkdir(exist_ok=True)
        show = show.replace("\n", "\\n")
        for name in ("systemctl", "cl_status", "hb_standby", "hb_takeover"):
            path = self.folder / "bin" / name
            path.write_text(FAKE.format(log=self.log, inactive=inactive, code=code, show=show))
            path.chmod(0o755)

    def runner(self) -> Runner:
        return Runner(CONFIG, proc=self.proc, tools=self.folder / "bin", functions=self.functions)

    def calls(self) -> list[str]:
        """What was called, without the questions."""
        text = self.log.read_text() if self.log.exists() else ""
        return [line for line in text.splitlines() if "is-active" not in line]
