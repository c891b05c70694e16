"""Runs that are ended half-way: nothing stays behind, and the next `up` finishes the work."""

import os
import signal
import subprocess

import pytest

from tests.provider.engine.harness import Project
from tests.provider.sshd import wait_until

pytestmark = pytest.mark.live

SLOW_S = 3
POINTS = ("install", "configure", "activate")


def _stopped_in(pair: Project, point: str) -> subprocess.Popen[str]:
    """Start `up` and return it when lb2 is inside its slow step of the phase `point`."""
    pair.node("lb", "lb2")["slow"] = {point: SLOW_S}
    process = pair.popen("up", "--yes", "--skip-preview")
    marker = pair.root("lb2") / f"started-{point}"
    wait_until(lambda: marker.exists() or process.poll() is not None, timeout_s=60, what=point)
    assert process.poll() is None, "up ended before it was to be ended"
    return process


def _end(pair: Project, process: subprocess.Popen[str]) -> str:
    """Wait for the engine and all children to be gone; return what the engine wrote."""
    stdout, stderr = process.communicate(timeout=60)
    wait_until(lambda: not pair.children(), timeout_s=10, what="the end of the children")
    return stdout + stderr


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("victim", ["engine", "provider", "child"])
def test_kill_9_is_finished_by_the_next_up(pair: Project, victim: str, point: str) -> None:
    """Kill -9 of each process in each phase."""
    process = _stopped_in(pair, point)
    [child] = pair.children()
    pids = {
        "engine": process.pid,
        "provider": pair.provider_of(process.pid),
        "child": child,
    }
    os.kill(pids[victim], signal.SIGKILL)
    _end(pair, process)
    if victim == "engine":
        pair.pulumi("cancel", "--yes")
    pair.up()
    for host in ("lb1", "lb2"):
        assert (pair.root(host) / "active").read_text() == "yes"
    assert pair.pending() == {}


def test_ctrl_c_ends_the_children(pair: Project) -> None:
    """SIGINT of the engine, as the terminal sends it, ends the run within seconds."""
    process = _stopped_in(pair, "install")
    process.send_signal(signal.SIGINT)
    text = _end(pair, process)
    assert "cancelled" in text
    pair.up()
    assert pair.pending() == {}


def test_second_run_names_the_owner_of_the_lock(pair: Project) -> None:
    """While a host is being changed, another run is refused with a sentence."""
    pair.node("lb", "lb2")["slow"] = {"install": 25}
    first = pair.popen("up", "--yes", "--skip-preview")
    marker = pair.root("lb2") / "started-install"
    wait_until(marker.exists, timeout_s=60, what="the first run")
    home = pair.environment
    pair.environment = {"PULUMI_BACKEND_URL": f"file://{pair.folder / 'second'}"}
    (pair.folder / "second").mkdir()
    pair.pulumi("stack", "init", "dev")
    text = pair.pulumi("up", "--yes", "--skip-preview", expect=1).text
    pair.environment = home
    assert "lb2 is being changed by pid" in text
    _end(pair, first)


def test_lock_outlives_its_run_while_a_command_runs(pair: Project) -> None:
    """The next run waits for what a killed run has left behind, and then changes nothing twice."""
    process = _stopped_in(pair, "configure")
    [child] = pair.children()
    os.kill(child, signal.SIGKILL)
    _end(pair, process)
    pair.up()
    assert (pair.root("lb2") / "done-configure").exists()
