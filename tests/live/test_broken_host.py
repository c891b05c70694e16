"""What a broken hypervisor or machine says: one sentence each, and the next `up` goes on."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from lab import image
from lab.hypervisor import Lab
from lab.paths import Paths
from tests.live.stack import PAIRWISE, ROOT, LiveStack, described_as

SSH_WAIT_S = 20
"""A machine that is frozen does not answer later either."""


def goes_on(stack: LiveStack) -> None:
    """The next `up` needs no step by hand and leaves nothing to do."""
    stack.up()
    assert stack.preview()["changes"] == 0


def hidden(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command that finds a folder empty and 64 MiB large; all others still see it."""
    script = 'mount -t tmpfs -o size=64m tmpfs "$1" && shift && exec "$@"'
    return subprocess.run(
        ["unshare", "--mount", "sh", "-c", script, "sh", str(folder), *command],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )


def test_no_room_in_the_pool(six: LiveStack) -> None:
    done = hidden(Paths.of_checkout(ROOT).lab, str(PAIRWISE), "up", "six", "--yes")
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert "GiB free and a lab needs" in last and last.endswith("free some space."), done.stderr
    goes_on(six)


def test_image_is_missing(six: LiveStack) -> None:
    baked = image.ensure(Paths.of_checkout(ROOT)).disk.parent
    done = hidden(baked, str(PAIRWISE), "shell", "six", "-c", "pulumi preview --non-interactive")
    assert done.returncode != 0
    said = [line for line in (done.stdout + done.stderr).splitlines() if "golden image" in line]
    assert said and "run `pairwise" in said[0], done.stdout + done.stderr
    goes_on(six)


def test_no_libvirtd(six: LiveStack) -> None:
    """Plain pulumi says what to do; `pairwise up` does it, and no machine notices."""
    before = six.exec("lb1", "cat /proc/sys/kernel/random/boot_id")
    lab = Lab.of_checkout(ROOT)
    os.kill(int((lab.paths.lab / "libvirtd.pid").read_text()), signal.SIGKILL)
    done = six.pairwise(
        "shell", "six", "-c", "pulumi preview --non-interactive", check=False, timeout_s=120
    )
    goes_on(six)
    assert done.returncode != 0
    assert "is down: `pairwise lab up` starts it" in done.stderr.splitlines()[0]
    assert six.exec("lb1", "cat /proc/sys/kernel/random/boot_id") == before


def test_hypervisor_elsewhere_does_not_answer(six: LiveStack, folder: Path) -> None:
    uri = "qemu+unix:///system?socket=/nonexistent/libvirt-sock"
    with described_as(six, folder, put={"hypervisors": {"lab": uri}}) as elsewhere:
        done = elsewhere.pairwise("up", "six", "--yes", check=False)
    assert done.returncode == 1
    assert done.stderr.count("No answer from hypervisor") == 1, done.stderr
    assert f"lab at {uri}" in done.stderr
    goes_on(six)


def test_ssh_never_comes(six: LiveStack, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = six.node("web2").machine
    six.virsh("suspend", machine)
    try:
        with monkeypatch.context() as waiting:
            waiting.setenv("PAIRWISE_SSH_WAIT_S", str(SSH_WAIT_S))
            done = six.pairwise("up", "six", "--yes", check=False)
    finally:
        six.virsh("resume", machine)
    assert done.returncode == 1
    assert "web2" in done.stderr
    assert f"within {SSH_WAIT_S} s" in done.stderr, done.stderr
    goes_on(six)
