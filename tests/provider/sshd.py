"""A private sshd on 127.0.0.1 for the tests of the child, with keys of its own.

Every "machine" is another port of the loopback interface, in the network namespace of the test.
"""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SSHD = shutil.which("sshd") or "/usr/sbin/sshd"


@dataclass(frozen=True)
class Sshd:
    """A running sshd."""

    port: int
    """Its port on 127.0.0.1."""
    host_key: str
    """Its public host key, `ssh-ed25519 AAAA...`."""
    process: subprocess.Popen[bytes]
    """The daemon itself, in the foreground."""
    folder: Path
    """Keys, configuration and log."""

    def description(self, identity: str = "machine-1") -> dict[str, Any]:
        """Return the host's entry of a DeploySpec."""
        return {
            "address": "127.0.0.1",
            "port": self.port,
            "user": "root",
            "host_key": self.host_key,
            "identity": identity,
        }

    def stop(self) -> None:
        """End the daemon and the connections it serves."""
        self.process.terminate()
        self.process.wait(timeout=10)


def make_key(path: Path) -> str:
    """Make a key pair and return the public key without its comment."""
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return " ".join(path.with_suffix(".pub").read_text().split()[:2])


def free_port() -> int:
    """Return a TCP port of 127.0.0.1 that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start(
    folder: Path, *, client_key: str, port: int | None = None, enter: tuple[str, ...] = ()
) -> Sshd:
    """Start an sshd that lets root in with `client_key` (a public key) only.

    Args:
        folder: keys and configuration go here. client_key: public key of the client.
        port: of 127.0.0.1; None: any free one. enter: command prefix that enters a namespace.
    """
    folder.mkdir(parents=True, exist_ok=True)
    Path("/run/sshd").mkdir(exist_ok=True)  # sshd's own separation folder, made by its package
    host_key = folder / "host_key"
    public = make_key(host_key) if not host_key.exists() else _public(host_key)
    (folder / "authorized").write_text(client_key + "\n")
    port = port or free_port()
    config = folder / "sshd_config"
    config.write_text(
        f"ListenAddress 127.0.0.1\nPort {port}\nHostKey {host_key}\nPidFile none\n"
        f"AuthorizedKeysFile {folder / 'authorized'}\nStrictModes no\nUsePAM no\n"
        "PermitRootLogin prohibit-password\nPasswordAuthentication no\n"
        "MaxStartups 100\nUseDNS no\nSubsystem sftp internal-sftp\n"
    )
    command = [*enter, SSHD, "-D", "-e", "-f", str(config)]
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=log)
    sshd = Sshd(port=port, host_key=public, process=process, folder=folder)
    wait_until(lambda: _listens(folder), timeout_s=10, what=f"sshd in {folder}")
    return sshd


def _public(host_key: Path) -> str:
    return " ".join(host_key.with_suffix(".pub").read_text().split()[:2])


def _listens(folder: Path) -> bool:
    return b"Server listening" in (folder / "log").read_bytes()


def wait_until(condition: Callable[[], bool], *, timeout_s: float, what: str) -> None:
    """Return when the condition holds; fail with a sentence after `timeout_s` seconds."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: nothing within {timeout_s} s")
        time.sleep(0.05)


def is_root() -> bool:
    """Tell whether this test may start an sshd that lets root in."""
    return os.geteuid() == 0
