"""What a broken hypervisor or machine says: one sentence each, and the next `up` goes on."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from drills.described import described_as
from drills.running import PAIRWISE, ROOT, LiveStack
from lab import image
from lab.hypervisor import Lab
from lab.paths import Paths

pytestmark = pytest.mark.load

SSH_WAIT_S = 20
"""A machine behind a packet filter does not answer later either."""


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


@contextmanager
def no_ssh_to(stack: LiveStack, address: str) -> Iterator[None]:
    """A packet filter at the hypervisor that drops SSH to one machine."""
    table = "pairwise_test"
    rules = (
        f"add table inet {table}; "
        f"add chain inet {table} output {{ type filter hook output priority 0; }}; "
        f"add rule inet {table} output ip daddr {address} tcp dport 22 drop"
    )
    stack.inside("nft", rules)
    try:
        yield
    finally:
        stack.inside("nft", "delete", "table", "inet", table)


def test_ssh_never_comes(six: LiveStack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAIRWISE_SSH_WAIT_S", str(SSH_WAIT_S))
    with no_ssh_to(six, str(six.node("web2").management_address)):
        done = six.pairwise("up", "six", "--yes", check=False)
    assert done.returncode == 1
    assert f"gave no SSH within {SSH_WAIT_S} s" in done.stderr, done.stderr
    assert "web2" in done.stderr
    goes_on(six)


def test_machine_is_paused(six: LiveStack) -> None:
    six.virsh("suspend", six.node("web2").machine)
    done = six.pairwise("up", "six", "--yes", check=False)
    six.pairwise("start", "six", "web2")
    assert done.returncode == 1
    assert "web2 of six is paused: `pairwise start six web2` lets it go on" in done.stderr
    goes_on(six)
