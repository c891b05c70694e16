"""What a node does with its disks when it shuts down, with a /proc/drbd of its own."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from bootstrap.deploy import render_all
from tests.golden.tree import plans

LINE = " {minor}: cs:{cs} ro:{ro} ds:UpToDate/UpToDate C r-----\n    ns:0 nr:0 dw:0\n"
SLEEP = """\
#!/bin/sh
echo waited >>{told}
mv {folder}/later {folder}/drbd 2>/dev/null || true
"""


@pytest.fixture
def stop(tmp_path: Path) -> Path:
    """The script of data1, with the tools that it calls here."""
    text = render_all(plans()["six"])["data1"]["/usr/local/lib/pairwise/drbd-stop"].content
    told = tmp_path / "told"
    (tmp_path / "sleep").write_text(SLEEP.format(told=told, folder=tmp_path))
    (tmp_path / "drbdadm").write_text(f'#!/bin/sh\necho "$*" >>{told}\n')
    for tool in ("sleep", "drbdadm"):
        (tmp_path / tool).chmod(0o755)
    text = text.replace("/proc/drbd", f"{tmp_path}/drbd").replace("/usr/sbin/", f"{tmp_path}/")
    script = tmp_path / "drbd-stop"
    script.write_text(text)
    return script


def told_by(script: Path, first: list[tuple[str, str]], later: list[tuple[str, str]]) -> list[str]:
    """What it did, disks in a state at first, and in another one after the first pause."""
    for name, states in (("drbd", first), ("later", later)):
        lines = [LINE.format(minor=n, cs=cs, ro=ro) for n, (cs, ro) in enumerate(states)]
        (script.parent / name).write_text("version: 8.4.11\n" + "".join(lines))
    path = f"{script.parent}:/usr/bin:/bin"
    subprocess.run(["sh", str(script)], env={"PATH": path}, check=True, timeout=20)
    return (script.parent / "told").read_text().splitlines()


IDLE = ("Connected", "Secondary/Secondary")
TAKEN = ("Connected", "Secondary/Primary")
ALONE = ("WFConnection", "Secondary/Unknown")


@pytest.mark.parametrize("taken", [TAKEN, ALONE])
def test_disks_leave_at_once_when_nobody_waits_for_them(stop: Path, taken: tuple[str, str]) -> None:
    assert told_by(stop, [taken, TAKEN], [IDLE]) == ["down all"]


def test_a_disk_stays_until_its_peer_has_taken_it(stop: Path) -> None:
    assert told_by(stop, [TAKEN, IDLE], [TAKEN, TAKEN]) == ["waited", "down all"]


@pytest.mark.parametrize("cs", ["VerifyS", "VerifyT"])
def test_a_disk_that_is_compared_with_its_peer_s_stays_as_well(stop: Path, cs: str) -> None:
    compared = (cs, "Secondary/Secondary")
    assert told_by(stop, [TAKEN, compared], [TAKEN, TAKEN]) == ["waited", "down all"]


def test_nobody_takes_it(stop: Path) -> None:
    told = told_by(stop, [IDLE, IDLE], [IDLE, IDLE])
    assert told[-1] == "down all" and told.count("waited") == 120
