"""The resource script for units, with a systemctl that writes down what it is told."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bootstrap.blocks.heartbeat import deploy
from bootstrap.blocks.monitor.program import moves
from bootstrap.deploy import render_all
from bootstrap.shared import pairs
from tests.golden.tree import plans

Run = Callable[..., tuple[int, str, list[str]]]

SYSTEMCTL = """\
#!/bin/sh
echo "$*" >>"$TOLD"
case $1 in
is-active) shift; for unit; do cat "$STATES/$unit"; done ;;
start) ! grep -qx "$2" "$STATES/broken" ;;
esac
"""


@pytest.fixture
def run(tmp_path: Path) -> Run:
    script = tmp_path / "pwunit"
    files = render_all(plans()["six"])["data1"]
    text = files["/etc/ha.d/resource.d/pwunit"].content
    script.write_text(text.replace(f"{pairs.RUN}/", f"{tmp_path}/"))
    tool = tmp_path / "systemctl"
    tool.write_text(SYSTEMCTL)
    tool.chmod(0o755)

    def call(
        *words: str, states: str = "active active", broken: str = ""
    ) -> tuple[int, str, list[str]]:
        told = tmp_path / "told"
        told.write_text("")
        for unit, state in zip(("a.mount", "b.service"), states.split(), strict=True):
            (tmp_path / unit).write_text(f"{state}\n")
        (tmp_path / "broken").write_text(f"{broken}\n")
        environment = {
            "PATH": f"{tmp_path}:{os.environ['PATH']}",
            "TOLD": str(told),
            "STATES": str(tmp_path),
        }
        done = subprocess.run(
            ["sh", str(script), *words],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout.strip(), told.read_text().splitlines()

    return call


def test_units_start_in_order_and_stop_in_the_other(run: Run) -> None:
    code, _, told = run("a.mount", "b.service", "start")
    assert (code, told[1:]) == (0, ["start a.mount", "start b.service"])
    code, _, told = run("a.mount", "b.service", "stop")
    assert (code, told) == (0, ["stop b.service", "stop a.mount"])


def test_nothing_starts_after_one_that_does_not(run: Run) -> None:
    code, _, told = run("a.mount", "b.service", "start", broken="a.mount")
    assert code != 0
    assert "start b.service" not in told


def test_one_that_fails_twice_within_ten_minutes_stays(run: Run, tmp_path: Path) -> None:
    """Else two nodes that cannot start it give the group to each other for ever."""
    assert deploy.STAYS_MIN * 60 == moves.STAYS_S, "as the monitor does with what it hands over"
    broken, mark = "b.service", tmp_path / "not-started-b.service"
    assert run("a.mount", broken, "start", broken=broken)[0] != 0
    assert run("a.mount", broken, "start", broken=broken)[0] == 0
    before = time.time() - moves.STAYS_S - 60
    os.utime(mark, (before, before))
    assert run("a.mount", broken, "start", broken=broken)[0] != 0, "the peer has its turn again"
    assert run("a.mount", broken, "start")[0] == 0
    assert not mark.exists(), "one that starts again is new"


def test_a_file_system_that_is_not_there_stays_nowhere(run: Run) -> None:
    for _ in range(2):
        assert run("a.mount", "b.service", "start", broken="a.mount")[0] != 0


@pytest.mark.parametrize(
    ("states", "said"),
    [
        ("active active", "running"),
        ("active inactive", "stopped"),
        ("inactive active", "stopped"),
        ("failed failed", "stopped"),
    ],
)
def test_it_runs_when_all_do(run: Run, states: str, said: str) -> None:
    assert run("a.mount", "b.service", "status", states=states)[1] == said


def test_a_verb_alone_is_refused(run: Run) -> None:
    assert run("start")[0] == 2
