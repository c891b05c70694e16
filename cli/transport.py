"""SSH to the nodes: the stack's own key, pinned host keys, inside the lab's namespace."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cli import backend
from cli.checkout import Checkout
from cli.engine import Engine
from cli.errors import CommandError
from stacks.plan_types import NodePlan, Plan

SSH_USER = "root"
"""User that configures a machine; its only way in is the stack's admin key."""
CONNECT_S = 10
"""A running machine answers in well under a second, a starved one within some."""
SSH_FAILED = 255
"""Exit code of ssh itself when there was no connection (ssh(1))."""


def enter(netns: str | None) -> list[str]:
    """Command prefix that runs the rest inside a namespace."""
    return ["nsenter", f"--net=/run/netns/{netns}", "--"] if netns else []


@dataclass(frozen=True)
class Ssh:
    """How the nodes of one stack are reached."""

    checkout: Checkout
    plan: Plan
    key: Path
    """File with the admin key."""
    known_hosts: Path
    """File with the only host keys that are accepted."""

    @classmethod
    def of_stack(cls, engine: Engine) -> Ssh:
        """Take key and host keys out of the state, unless that was done since it last changed.

        Raises:
            CommandError: the stack was never brought up.
        """
        folder = engine.checkout.stack_folder(engine.stack)
        key, known_hosts = folder / "id_ed25519", folder / "known_hosts"
        if not _is_fresh(key, backend.checkpoint_file(engine.state, engine.stack)):
            outputs = engine.outputs()
            if not outputs.get("ssh_private_key"):
                raise CommandError(
                    f"Stack {engine.stack} is not up: run `pairwise up {engine.stack}`."
                )
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            _write(known_hosts, "\n".join(outputs.get("known_hosts") or []) + "\n")
            _write(key, outputs["ssh_private_key"])
        return cls(engine.checkout, engine.plan, key, known_hosts)

    def argv(self, node: NodePlan, *command: str, options: Sequence[str] = ()) -> list[str]:
        """Command line that runs a command on a node; without one, a login shell."""
        settings = (
            "BatchMode=yes",
            "IdentitiesOnly=yes",
            "StrictHostKeyChecking=yes",
            f"UserKnownHostsFile={self.known_hosts}",
            "GlobalKnownHostsFile=/dev/null",
            f"ConnectTimeout={CONNECT_S}",
            # A machine that lost its power says no goodbye; after half a minute it counts as gone.
            "ServerAliveInterval=10",
            "ServerAliveCountMax=3",
            "ControlMaster=no",
            "ControlPath=none",
            "LogLevel=ERROR",
        )
        flags = [flag for setting in settings for flag in ("-o", setting)]
        target = f"{SSH_USER}@{node.management_address}"
        netns = self.checkout.netns(self.plan, node)
        return [
            *enter(netns), "ssh", "-F", "none", "-i", str(self.key), *flags, *options, target,
            *(["--", *command] if command else []),
        ]  # fmt: skip

    def read(self, node: NodePlan, script: str, *, timeout_s: float) -> tuple[str | None, str]:
        """Output of a shell script on a node, or none and why there is none."""
        argv = self.argv(node, "sh", "-s")
        try:
            done = subprocess.run(
                argv, input=script, capture_output=True, text=True, timeout=timeout_s, check=False
            )
        except subprocess.TimeoutExpired:
            return None, f"no answer within {timeout_s:g} s"
        if done.returncode == SSH_FAILED:
            return None, (done.stderr.strip().splitlines() or ["no connection"])[-1]
        return done.stdout, ""


def _is_fresh(copy: Path, source: Path) -> bool:
    try:
        return copy.stat().st_size > 0 and copy.stat().st_mtime_ns >= source.stat().st_mtime_ns
    except OSError:
        return False


def _write(path: Path, text: str) -> None:
    """Replace a private file; it is never readable by others, not even for a moment."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as handle:
        handle.write(text if text.endswith("\n") else f"{text}\n")
    partial.replace(path)
