"""`up` killed half-way: the next `up` finishes."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from drills.observe import NICE
from drills.running import PAIRWISE, ROOT, LiveStack
from drills.wait import wait_until

ENDS_S = 10
"""What is left of a run after its end is gone by then."""
DRIFT = "echo '# by hand' >> /etc/hosts && sysctl -qw net.ipv4.conf.all.accept_redirects=1"


def children_of(pid: int) -> dict[int, str]:
    """Every descendant of a process, with its command line."""
    table = subprocess.check_output(["ps", "-ww", "-eo", "pid=,ppid=,args="], text=True)
    rows = [line.split(None, 2) for line in table.splitlines()]
    found: dict[int, str] = {pid: ""}
    grown = True
    while grown:
        new = {int(p): a for p, parent, a in rows if int(parent) in found and int(p) not in found}
        found.update(new)
        grown = bool(new)
    return found


def is_running(pid: int) -> bool:
    """Whether a process is there and no zombie that waits for init."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def one_of(pid: int, matches: Callable[[str], bool]) -> int | None:
    """A descendant whose command line matches."""
    return next((child for child, args in children_of(pid).items() if matches(args)), None)


VICTIMS: dict[str, Callable[[str], bool]] = {
    "engine": lambda args: args.split(" ")[0].endswith("/pulumi") and " up" in args,
    "provider": lambda args: "pulumi-resource-pyinfra" in args or "-m provider " in args,
    "child": lambda args: "provider.child" in args,
}


@contextmanager
def up_until(stack: LiveStack, victim: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """An `up` with work to do, as soon as one of its processes is there; yields both."""
    for node in ("lb1", "web2", "data1"):
        stack.exec(node, DRIFT)
    run = subprocess.Popen(
        [*NICE, str(PAIRWISE), "up", "six", "--yes"],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        pid = wait_until(
            lambda: one_of(run.pid, VICTIMS[victim]),
            what=f"the {victim} to run",
            timeout_s=60,
            every_s=0.05,
        )
        assert pid is not None
        yield run, pid
    finally:
        if run.poll() is None:
            os.killpg(run.pid, signal.SIGKILL)


@pytest.mark.load
@pytest.mark.parametrize("victim", ["engine", "provider", "child"])
def test_killed_run_is_finished_by_the_next(six: LiveStack, victim: str) -> None:
    """At one point each; tests/provider/engine kills each of them at three."""
    with up_until(six, victim) as (run, pid):
        os.kill(pid, signal.SIGKILL)
        run.communicate(timeout=300)
    six.up()
    assert six.preview()["changes"] == 0


@pytest.mark.load
def test_ctrl_c_ends_all_processes_and_the_next_up_finishes(six: LiveStack) -> None:
    """A terminal sends SIGINT to the whole process group."""
    with up_until(six, "child") as (run, _):
        family = children_of(run.pid)
        os.killpg(run.pid, signal.SIGINT)
        _, said = run.communicate(timeout=120)
    assert run.returncode == 130, said
    assert "Traceback" not in said
    # Plugins end when the engine's end closes their pipe: at once, but after it.
    wait_until(
        lambda: not [pid for pid in family if is_running(pid)],
        what="all processes of the run to end",
        timeout_s=ENDS_S,
        every_s=0.2,
    )
    six.up()
    assert six.preview()["changes"] == 0
