"""A node that lacks many packages runs apt once: the real shell text, with a false apt."""

from __future__ import annotations

import importlib
import subprocess
from pathlib import Path
from typing import Any

from pyinfra.context import ctx_host

from bootstrap.phases import POLICY
from tests.operations.fake import FakeHost, seen

WANTED = ("chrony", "nginx", "keepalived")

APT = """#!/bin/sh
echo "$@" >>{folder}/calls
test -x {folder}/policy-rc.d || echo "services could start" >>{folder}/calls
for word; do last=$word; touch {folder}/installed-$word 2>/dev/null; done
"""
DPKG = """#!/bin/sh
for word; do last=$word; done
test -e {folder}/installed-$last && echo installed
"""


def test_packages_of_all_blocks_come_in_one_transaction(tmp_path: Path) -> None:
    for name, text in (("apt-get", APT), ("dpkg-query", DPKG)):
        (tmp_path / name).write_text(text.format(folder=tmp_path))
        (tmp_path / name).chmod(0o755)
    function: Any = importlib.import_module("bootstrap.operations.packages").installed._inner
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    with ctx_host.use(FakeHost()):
        for package in WANTED:
            values = {"package": package, "together": WANTED, "seen": seen({"packages": ["curl"]})}
            for command in function(**values):
                text = str(command.get_raw_value()).replace(POLICY, f"{tmp_path}/policy-rc.d")
                subprocess.run(["sh", "-c", text], check=True, env=environment)
    calls = (tmp_path / "calls").read_text().splitlines()
    assert len(calls) == 1, calls
    assert calls[0].endswith("install --no-install-recommends chrony nginx keepalived")
    assert not (tmp_path / "policy-rc.d").exists()
