"""A pair for the tests of the fence endpoint: a fake virsh, and the endpoint as sshd runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab import fence_endpoint, fence_keys

VIRSH = r"""#!/bin/sh
# A hypervisor of files: STATE/machines/NAME holds libvirt's word for the machine's state.
root={root}
shift 3  # --quiet --connect URI
echo "$*" >>"$root/calls"
[ -e "$root/hangs" ] && exec sleep 30
[ -e "$root/down" ] && {{ echo "error: failed to connect to the hypervisor" >&2; exit 1; }}
case $1 in
list) ls "$root/machines" ;;
domstate)
    [ -e "$root/machines/$2" ] || {{ echo "error: failed to get domain '$2'" >&2; exit 1; }}
    cat "$root/machines/$2" ;;
destroy)
    [ -e "$root/refuses" ] && {{ cat "$root/refuses" >&2; exit 1; }}
    cat "$root/six-data.shot.json" >"$root/mark-at-destroy"
    sleep 0.1
    echo "shut off" >"$root/machines/$2" ;;
esac
"""
KEYS = {
    node: f"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKey{node}"
    for node in ("data1", "data2", "lb1", "lb2")
}
"""Form of a key; tests with a real sshd make real ones."""


def document(pair: str, *nodes: str, keys: Mapping[str, str] = KEYS) -> dict[str, Any]:
    """A pair's document with machines named as in stack six."""
    return {
        "pair": f"six-{pair}",
        "uri": "qemu:///system?socket=/run/a socket",
        "nodes": {n: {"machine": f"six-{n}", "public_key": keys[n]} for n in nodes},
    }


@dataclass(frozen=True)
class FencePair:
    """State folder of an endpoint with the pairs data and lb, all machines running."""

    state: Path

    @classmethod
    def make(cls, state: Path, *, keys: Mapping[str, str] = KEYS) -> FencePair:
        """Write the documents and the fake hypervisor."""
        fence_keys.authorize(state, document("data", "data1", "data2", keys=keys))
        fence_keys.authorize(state, document("lb", "lb1", "lb2", keys=keys))
        (state / "machines").mkdir()
        pair = cls(state)
        for node in KEYS:
            pair.set_state(node, "running")
        virsh = state / "bin" / "virsh"
        virsh.parent.mkdir()
        virsh.write_text(VIRSH.format(root=state))
        virsh.chmod(0o755)
        return pair

    @property
    def path(self) -> str:
        """PATH on which the fake virsh is found."""
        return f"{self.state / 'bin'}{os.pathsep}/usr/bin{os.pathsep}/bin"

    def set_state(self, node: str, word: str) -> None:
        """Give a machine a state in libvirt's words."""
        (self.state / "machines" / f"six-{node}").write_text(f"{word}\n")

    def state_of(self, node: str) -> str:
        """libvirt's word for a machine's state."""
        return (self.state / "machines" / f"six-{node}").read_text().strip()

    def options(self, node: str) -> list[str]:
        """What the forced command of a node's key hands to the endpoint."""
        pair = f"six-{node.rstrip('12')}"
        return ["--state", str(self.state), "--uri", "test:///", "--pair", pair, "--node", node]

    def start(self, node: str, command: str) -> subprocess.Popen[str]:
        """Begin a request of a node, as sshd begins it."""
        argv = [sys.executable, "-I", "-S", "-E", str(fence_keys.PROGRAM), *self.options(node)]
        return subprocess.Popen(
            argv,
            env={"PATH": self.path, "SSH_ORIGINAL_COMMAND": command},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def ask(self, node: str, command: str) -> tuple[int, str]:
        """A whole request: exit code, and what was said on standard output and error."""
        with self.start(node, command) as process:
            said, complained = process.communicate(timeout=20)
            return process.returncode, (said + complained).strip()

    def mark(self) -> fence_endpoint.Mark | None:
        """The mark of pair data."""
        return fence_endpoint.read_mark(self.state, "six-data")

    def log(self) -> list[dict[str, Any]]:
        """The log, oldest first."""
        lines = (self.state / fence_endpoint.LOG).read_text().splitlines()
        return [json.loads(line) for line in lines]

    def calls(self) -> list[str]:
        """What virsh was asked."""
        path = self.state / "calls"
        return path.read_text().splitlines() if path.exists() else []
