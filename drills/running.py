"""A running stack as drills and live tests see it: the ``pairwise`` command, and from outside.

Nothing here knows how the stack was built; whatever is asserted of it is what a user would notice.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from drills.observe import NICE, enter
from drills.wait import wait_until
from stacks.load import load_stack, stack_file
from stacks.plan import make_plan
from stacks.plan_types import NodePlan, Plan

ROOT = Path(__file__).parent.parent
PAIRWISE = ROOT / ".venv" / "bin" / "pairwise"
COMMAND_TIMEOUT_S = 900
"""No single command of a six-machine stack takes longer, even under emulation."""
PAUSE_S = 8
"""From one look at a stack to the next: each is a login at every machine, whose processors are
emulated and may be busy."""
SELDOM_S = 30
"""The same while somebody knows that something is wrong, which a look may find the remedy for."""
UNSAID_S = 120
"""The same while a machine boots: it cannot be well before it says something, and the looks at all
the others would keep it, and them, from their work."""
EVERY_S = 2
"""Between two questions whether it is time for a look."""


@dataclass(frozen=True)
class LiveStack:
    """One running stack; ``folder`` is where its description is read from, ``fence`` the state
    folder of the lab's fence endpoint, ``console`` says
    what keeps what a machine prints on its console."""

    name: str
    netns: str
    uri: str
    folder: Path = ROOT / "stacks"
    fence: Path | None = None
    console: Callable[[str], Path] | None = None

    @cached_property
    def plan(self) -> Plan:
        """What follows from the description in force, which is read once."""
        return make_plan(load_stack(stack_file(self.folder, self.name)))

    def pairwise(
        self, *arguments: str, check: bool = True, timeout_s: float = COMMAND_TIMEOUT_S
    ) -> subprocess.CompletedProcess[str]:
        """Run ``pairwise`` with the description in force; its output goes into a failure."""
        environment = {**os.environ, "PAIRWISE_STACKS": str(self.folder), "NO_COLOR": "1"}
        done = subprocess.run(
            [*NICE, str(PAIRWISE), *arguments],
            capture_output=True,
            text=True,
            env=environment,
            cwd=ROOT,
            timeout=timeout_s,
            check=False,
        )
        if check and done.returncode != 0:
            tail = f"{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
            raise AssertionError(f"{done.args} ended with {done.returncode}:\n{tail}")
        return done

    def status(self) -> dict[str, Any]:
        """``pairwise status --json``; an unhealthy stack answers too."""
        answer = self.pairwise("status", self.name, "--json", check=False)
        return dict(json.loads(answer.stdout))

    def preview(self) -> dict[str, Any]:
        """``pairwise preview --json``."""
        return dict(json.loads(self.pairwise("preview", self.name, "--json").stdout))

    def up(self) -> subprocess.CompletedProcess[str]:
        """``pairwise up --yes``."""
        return self.pairwise("up", self.name, "--yes")

    def exec(self, node: str, command: str, *, check: bool = True) -> str:
        """Standard output of a shell command on a node."""
        return self.pairwise("exec", self.name, node, "--", command, check=check).stdout

    def program(self, node: str, text: str) -> list[str]:
        """Command line of a program on a node that lasts: who starts it reads what it says."""
        return [str(PAIRWISE), "exec", self.name, node, "--", text]

    def virsh(self, *arguments: str) -> str:
        """Standard output of virsh on the lab's hypervisor."""
        command = [*NICE, "virsh", "--quiet", "-c", self.uri, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def crash(self, node: str) -> None:
        """Cut a machine's power."""
        self.virsh("destroy", self.plan.nodes[node].machine)

    def start(self, node: str) -> None:
        """Start a machine and wait until it answers."""
        self.pairwise("start", self.name, node)

    def machines(self) -> list[str]:
        """Names of all machines that the hypervisor knows, this stack's and others'."""
        return self.virsh("list", "--all", "--name").split()

    def machine_state(self, node: str) -> str:
        """libvirt's word for what a machine does: ``running``, ``paused``, ``shut off``."""
        return self.virsh("domstate", self.plan.nodes[node].machine).strip()

    def fence_requests(self) -> list[dict[str, Any]]:
        """What nodes have asked of the fence endpoint, oldest first (``pairwise fence log``)."""
        answer = self.pairwise("fence", "log", self.name, "--json")
        return list(json.loads(answer.stdout)["requests"])

    def inside(self, *command: str) -> str:
        """Standard output of a command inside the lab's namespace."""
        done = subprocess.run(
            [*enter(self.netns), *command], check=True, capture_output=True, text=True
        )
        return done.stdout

    def node_of_mac(self, mac: str) -> str:
        """Node that a MAC belongs to."""
        for node in self.plan.nodes.values():
            if any(interface.mac == mac for interface in node.interfaces):
                return node.name
        return f"unknown machine {mac}"

    def wait_until_steady(
        self,
        *,
        timeout_s: float,
        before: Callable[[], None] = lambda: None,
        mend: Callable[[Sequence[str]], None] = lambda _: None,
        pause_s: Callable[[], float] = lambda: PAUSE_S,
    ) -> None:
        """Wait until ``status`` finds nothing wrong.

        Args:
            timeout_s: The deadline. before: Is called all the time. mend: Is called with what was
                found. pause_s: From one look to the next. Where something is known to be wrong they
                are rare, for they keep busy machines from getting well.
        """
        seen: list[str] = []
        looked = time.monotonic() - PAUSE_S

        def steady() -> bool:
            nonlocal looked
            before()
            if time.monotonic() - looked < pause_s():
                return False
            status = self.status()
            looked = time.monotonic()
            seen[:] = status["problems"]
            mend(seen)
            return bool(status["healthy"])

        what = f"{self.name} to be healthy"
        wait_until(steady, what=what, timeout_s=timeout_s, every_s=EVERY_S, shown=lambda: seen)

    def node(self, name: str) -> NodePlan:
        """The plan of one node."""
        return self.plan.nodes[name]
