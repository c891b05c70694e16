"""A Pulumi project over the fake deploy, and "machines" that are sshds in a network namespace."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.provider import sshd

ROOT = Path(__file__).resolve().parents[3]
PASSPHRASE = "the-state-passphrase"
FIRST_PORT = 2201


@dataclass
class Run:
    """A finished `pulumi` command."""

    code: int
    """Its exit code."""
    text: str
    """stdout and stderr together."""
    stdout: str
    """stdout alone."""
    seconds: float
    """How long it took."""


@dataclass
class Project:
    """A Pulumi project with one stack, its deploys and its machines."""

    folder: Path
    """Everything is below it."""
    netns: str
    """Namespace of the machines."""
    machines: dict[str, sshd.Sshd] = field(default_factory=dict)
    """By host name."""
    given: dict[str, Any] = field(default_factory=dict)
    """What the program reads; see program.py."""
    environment: dict[str, str] = field(default_factory=dict)
    """More environment variables for pulumi."""

    def start_machine(self, name: str) -> None:
        """Start a host's sshd, with the keys that it had before."""
        port = FIRST_PORT + int("".join(filter(str.isdigit, name)))
        public = (self.folder / "client.pub").read_text().strip()
        folder = self.folder / "machines" / name
        (folder / "log").unlink(missing_ok=True)
        enter = ("ip", "netns", "exec", self.netns)
        self.machines[name] = sshd.start(folder, client_key=public, port=port, enter=enter)

    def root(self, host: str) -> Path:
        """Return the folder that stands for a host's file system."""
        return self.folder / "roots" / host

    def add_deploy(self, name: str, hosts: list[str], **node: Any) -> None:
        """Describe a Deploy; `node` are further attributes of its nodes for the fake deploy."""
        nodes = {
            host: {
                "root": str(self.root(host)),
                "files": {"a.conf": "one\ntwo\n"},
                "secret": "vrrp",
                **node,
            }
            for host in hosts
        }
        for host in hosts:
            if host not in self.machines:
                self.start_machine(host)
        self.given["deploys"][name] = {
            "name": name,
            "stack": "t",
            "entry": "tests.provider.fake_deploy",
            "hosts": {host: self.machines[host].description() for host in hosts},
            "transport": {"netns": self.netns, "lock_path": f"{self.folder}/{{host}}.lock"},
            "plan": {"nodes": nodes, "batches": [[host] for host in reversed(hosts)]},
        }

    def node(self, deploy: str, host: str) -> dict[str, Any]:
        """Return a node of a Deploy's plan, to be changed by the test."""
        found: dict[str, Any] = self.given["deploys"][deploy]["plan"]["nodes"][host]
        return found

    def popen(self, *arguments: str) -> subprocess.Popen[str]:
        """Start `pulumi` in the background."""
        (self.folder / "deploys.json").write_text(json.dumps(self.given))
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        environment = {
            **os.environ,
            "PATH": path,
            "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
            "PULUMI_HOME": str(self.folder / "home"),
            "PULUMI_BACKEND_URL": f"file://{self.folder}/state",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PAIRWISE_DRY_RUNS": str(self.folder / "dry-runs"),
            "PAIRWISE_SSH_WAIT_S": "5",
            "DEPLOYS": str(self.folder / "deploys.json"),
            **self.environment,
        }
        return subprocess.Popen(
            ["pulumi", *arguments, "--non-interactive"],
            cwd=self.folder / "project",
            env=environment,
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def pulumi(self, *arguments: str, expect: int = 0) -> Run:
        """Run `pulumi` and require its exit code."""
        started = time.monotonic()
        process = self.popen(*arguments)
        try:
            stdout, stderr = process.communicate(timeout=120)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            raise
        run = Run(process.returncode, stdout + stderr, stdout, time.monotonic() - started)
        assert run.code == expect, f"pulumi {' '.join(arguments)}: {run.code}\n{run.text}"
        return run

    def up(self, expect: int = 0) -> Run:
        """Run `pulumi up`."""
        return self.pulumi("up", "--yes", expect=expect)

    def preview(self) -> Run:
        """Run `pulumi preview --diff`."""
        return self.pulumi("preview", "--diff")

    def pending(self) -> dict[str, dict[str, Any]]:
        """Return what the JSON preview says would change on the machines."""
        document = json.loads(self.pulumi("preview", "--json").stdout)
        pending: dict[str, dict[str, Any]] = {}
        for step in document["steps"]:
            if "pyinfra:index:Deploy" in step["urn"] and step["op"] in ("create", "update"):
                pending |= step["newState"]["inputs"].get("pending") or {}
        return pending

    def state(self) -> dict[str, Any]:
        """Return the exported state, secrets encrypted."""
        exported: dict[str, Any] = json.loads(self.pulumi("stack", "export").stdout)
        return exported

    def children(self) -> list[int]:
        """Return the process ids of this project's child processes."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                command = (folder / "cmdline").read_bytes()
                namespace = (folder / "ns" / "net").readlink()
            except OSError:
                continue
            if b"provider.child" in command and namespace == _namespace(self.netns):
                found.append(int(folder.name))
        return found

    def provider_of(self, engine: int) -> int:
        """Return the process id of the provider that an engine has started."""
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                parent = (folder / "stat").read_text().rpartition(")")[2].split()[1]
                command = (folder / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if int(parent) == engine and command[1:3] == [b"-m", b"provider"]:
                return int(folder.name)
        raise AssertionError(f"engine {engine} has no provider")


def _namespace(netns: str) -> Path:
    inode = Path(f"/run/netns/{netns}").stat().st_ino
    return Path(f"net:[{inode}]")


@contextmanager
def namespace() -> Iterator[str]:
    """Make a network namespace with nothing but its loopback interface."""
    name = f"pwprov-{os.getpid()}"
    subprocess.run(["ip", "netns", "add", name], check=True)
    try:
        subprocess.run(["ip", "-n", name, "link", "set", "lo", "up"], check=True)
        yield name
    finally:
        subprocess.run(["ip", "netns", "delete", name], check=True)


@contextmanager
def project(folder: Path, *, netns: str, given: Mapping[str, Any]) -> Iterator[Project]:
    """Make a project with an initialised stack; stop its machines at the end."""
    sshd.make_key(folder / "client")
    made = Project(folder=folder, netns=netns)
    made.given = {
        "deploys": {},
        "secrets": ["vrrp"],
        "key": (folder / "client").read_text(),
        **given,
    }
    home = folder / "project"
    home.mkdir()
    (folder / "state").mkdir()
    (home / "Pulumi.yaml").write_text(
        "name: t\nruntime: python\nplugins:\n  providers:\n"
        f"    - name: pyinfra\n      path: {ROOT / 'provider'}\n"
    )
    shutil.copy(Path(__file__).with_name("program.py"), home / "__main__.py")
    try:
        made.pulumi("stack", "init", "dev")
        yield made
    finally:
        for machine in made.machines.values():
            if machine.process.poll() is None:
                machine.stop()
