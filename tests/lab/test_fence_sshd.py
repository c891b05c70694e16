"""The fence endpoint through a real sshd: what a node's key lets it do, and nothing more."""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from lab import daemons, fence, namespace
from lab.paths import Paths
from lab.waiting import wait_until
from tests.lab.fence_pair import FencePair
from tests.provider.sshd import free_port, make_key

HERE = "127.0.0.1"


@dataclass(frozen=True)
class Client:
    """What stands for the nodes: their keys, and the pinned host key."""

    folder: Path
    port: int
    enter: tuple[str, ...] = ()
    """Command prefix that enters a namespace."""

    def pin(self, host_key: str) -> None:
        """Accept this host key and no other."""
        (self.folder / "known_hosts").write_text(f"[{HERE}]:{self.port} {host_key}\n")

    def ssh(
        self, node: str, *arguments: str, user: str | None = None, options: Sequence[str] = ()
    ) -> tuple[int, str, str]:
        """Exit code, standard output and standard error of ssh as a node."""
        argv = [*self.enter, "ssh", "-F", "none", "-i", str(self.folder / node)]
        argv += ["-p", str(self.port), "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes"]
        argv += ["-o", f"UserKnownHostsFile={self.folder / 'known_hosts'}"]
        argv += ["-o", "StrictHostKeyChecking=yes", "-o", "LogLevel=ERROR", *options]
        argv += [f"{user or getpass.getuser()}@{HERE}", *arguments]
        done = subprocess.run(
            argv, check=False, capture_output=True, text=True, timeout=20, stdin=subprocess.DEVNULL
        )
        return done.returncode, done.stdout.strip(), done.stderr.strip()


def nodes_keys(folder: Path) -> dict[str, str]:
    folder.mkdir()
    return {name: make_key(folder / name) for name in ("data1", "data2", "lb1", "lb2")}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[FencePair, Client]]:
    """An endpoint with the lab's own configuration, on a port of loopback."""
    if shutil.which("sshd", path="/usr/sbin:/usr/bin") is None:
        assert not os.environ.get("CI"), "sshd is not installed: install it"
        pytest.skip("sshd is not installed")
    folder = tmp_path_factory.mktemp("fence")
    paths = Paths(folder)
    keys = nodes_keys(folder / "keys")
    pair = FencePair.make(fence.state_folder(paths), keys=keys)
    client = Client(folder / "keys", free_port())
    client.pin(fence.host_public_key(paths))
    text = fence.configuration(
        pair.state,
        listen=HERE,
        port=client.port,
        user=getpass.getuser(),
        environment={**fence.ENVIRONMENT, "PATH": pair.path},
    )
    (pair.state / fence.CONFIG).write_text(text)
    if os.geteuid() == 0:
        fence.PRIVILEGE_FOLDER.mkdir(mode=0o755, exist_ok=True)
    subprocess.run(fence.start_command(pair.state), check=True)
    assert wait_until(lambda: fence.listens(pair.state), timeout_s=10)
    pid = int((pair.state / fence.PID).read_text())
    try:
        yield pair, client
    finally:
        daemons.end([pid])


def test_status_and_off(served: tuple[FencePair, Client]) -> None:
    pair, client = served
    begun = time.monotonic()
    assert client.ssh("lb1", "status lb2") == (0, "on", "")
    took = time.monotonic() - begun
    print(f"status over ssh took {took:.3f} s")
    assert client.ssh("lb1", "off", "lb2") == (0, "off", "")
    assert pair.state_of("lb2") == "shut off"
    code, said, complained = client.ssh("lb2", "off lb1")
    assert (code, said) == (3, "")
    assert complained.startswith("lb2 was switched off by lb1 at ")
    assert took < 2, "fencing waits for nothing"


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("off data1", "may not ask this about itself"),
        ("off lb1", "names no peer of data1"),
        ("reset data2", "is no request"),
        ("off data2; sh", "is no request"),
        ("sh", "is no request"),
        ("", "There is no shell for data1 here"),
    ],
)
def test_no_other_request_is_served(
    served: tuple[FencePair, Client], command: str, reason: str
) -> None:
    pair, client = served
    code, said, complained = client.ssh("data1", *([command] if command else []))
    assert (code, said) == (2, "")
    assert reason in complained
    assert {pair.state_of(node) for node in ("data1", "data2", "lb1")} == {"running"}


@pytest.mark.parametrize(
    "options",
    [
        ["-W", f"{HERE}:1"],
        ["-N", "-R", "0:127.0.0.1:1", "-o", "ExitOnForwardFailure=yes"],
        ["-s"],
    ],
    ids=["local forward", "remote forward", "subsystem"],
)
def test_no_channel_but_the_command(served: tuple[FencePair, Client], options: list[str]) -> None:
    _, client = served
    words = ["sftp"] if options == ["-s"] else []
    code, said, complained = client.ssh("data1", *words, options=options)
    assert (code, said) == (255, "")
    assert complained


def test_no_terminal_and_no_environment(served: tuple[FencePair, Client]) -> None:
    pair, client = served
    # With -tt ssh gives up when it is denied a terminal.
    assert client.ssh("data1", options=["-tt"])[:2] == (255, "")
    options = ["-o", f"SetEnv=PATH={pair.state}/nothing"]
    assert client.ssh("data1", "status data2", options=options) == (0, "on", "")


def test_no_other_key_and_no_other_user(served: tuple[FencePair, Client]) -> None:
    _, client = served
    make_key(client.folder / "stranger")
    assert client.ssh("stranger", "status data2")[0] == 255
    assert client.ssh("data1", "status data2", user="nobody-at-all")[0] == 255


def test_a_locked_password_needs_pam(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shadow = tmp_path / "shadow"
    monkeypatch.setattr(fence, "SHADOW", shadow)
    for entry, answer in (("root:!:1", "yes"), ("root:*:1", "no"), ("rootless:!:1", "no")):
        shadow.write_text(f"{entry}:0:99999:7:::\n")
        assert f"UsePAM {answer}\n" in fence.configuration(tmp_path)


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Paths]:
    """A lab's namespace with nothing in it."""
    monkeypatch.setenv("PAIRWISE_LAB", f"fence-{os.getpid()}")
    paths = Paths(tmp_path)
    namespace.create(paths.netns)
    try:
        yield paths
    finally:
        fence.stop(paths)
        namespace.delete(paths.netns)


@pytest.mark.live
def test_it_runs_in_the_lab_s_namespace_only(lab: Paths, tmp_path: Path) -> None:
    fence.ensure(lab)
    pid_file = fence.state_folder(lab) / fence.PID
    first = daemons.running(pid_file)
    assert first is not None
    assert namespace.processes(lab.netns) == [first]
    assert os.getpriority(os.PRIO_PROCESS, first) == 0, "it must not be niced"
    fence.ensure(lab)
    assert daemons.running(pid_file) == first

    client = Client(tmp_path / "keys", fence.PORT, tuple(namespace.enter(lab.netns)))
    pair = FencePair.make(fence.state_folder(lab), keys=nodes_keys(client.folder))
    key = fence.host_public_key(lab)
    client.pin(key)
    shutil.rmtree(pair.state / "bin")  # the real virsh: its hypervisor is not there
    code, _, complained = client.ssh("data1", "status data2", user="root")
    assert (code, "does not tell whether six-data2 is on" in complained) == (1, True)

    os.kill(first, signal.SIGKILL)
    assert wait_until(lambda: daemons.running(pid_file) is None, timeout_s=5)
    fence.ensure(lab)
    assert daemons.running(pid_file) not in (None, first)
    assert client.ssh("data1", "status data2", user="root")[0] == 1
    shutil.rmtree(pair.state / "machines")
    fence.stop(lab)
    assert namespace.processes(lab.netns) == []
    assert sorted(path.name for path in pair.state.iterdir()) == ["host_key", "host_key.pub"]
    assert fence.host_public_key(lab) == key
