"""The machines of a stack on their hypervisors: state, start, stop, console."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass

from cli.checkout import Checkout
from cli.errors import CommandError
from cli.wait import wait_until
from stacks.plan_types import NodePlan, Plan

RUNNING = "running"
"""libvirt's word for a machine that runs."""
PAUSED = "paused"
"""libvirt's word for a machine that is frozen and keeps its memory."""
GONE = "gone"
"""A machine that its hypervisor does not know."""
UNKNOWN = "unknown"
"""The hypervisor itself does not answer."""
SHUTDOWN_S = 60
"""A machine that heeds ACPI is off within half a minute, under emulation too."""
DATA_S = 300
"""The same for one that has data to give up: Heartbeat and a source may take so long to hand over
(TimeoutStopSec of their units), and one that is cut off in the middle of it is a power cut."""
VIRSH_S = 20
"""virsh answers at once, or its daemon hangs."""


@dataclass(frozen=True)
class Machines:
    """The libvirt domains of one stack."""

    checkout: Checkout
    plan: Plan

    def virsh(self, node: NodePlan, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run virsh on the hypervisor of a node."""
        argv = ["virsh", "--quiet", "--connect", self.checkout.uri(self.plan, node), *arguments]
        try:
            return subprocess.run(
                argv, capture_output=True, text=True, timeout=VIRSH_S, check=False
            )
        except FileNotFoundError:
            return subprocess.CompletedProcess(argv, 127, "", "virsh is not installed")
        except subprocess.TimeoutExpired:
            return subprocess.CompletedProcess(argv, 124, "", "virsh got no answer")

    def states(self) -> Mapping[str, str]:
        """libvirt's word for the state of each machine, by node; asked once per hypervisor."""
        found: dict[str, str] = {}
        known: dict[str, dict[str, str] | None] = {}
        for name, node in self.plan.nodes.items():
            if node.hypervisor not in known:
                done = self.virsh(node, "list", "--all")
                known[node.hypervisor] = parse_list(done.stdout) if done.returncode == 0 else None
            machines = known[node.hypervisor]
            found[name] = UNKNOWN if machines is None else machines.get(node.machine, GONE)
        return found

    def check_hypervisors(self) -> None:
        """Refuse hypervisors that do not answer, before the engine says so for each resource.

        Raises:
            CommandError: at least one does not answer; all of them are named.
        """
        nodes = {node.hypervisor: node for node in self.plan.nodes.values()}
        silent = []
        for name, node in sorted(nodes.items()):
            done = self.virsh(node, "version")
            if done.returncode != 0:
                uri = self.checkout.uri(self.plan, node)
                silent.append(f"{name} at {uri} ({_reason(done)})")
        if silent:
            raise CommandError(
                f"No answer from hypervisor {' and '.join(silent)}: start libvirtd there, or "
                f"correct `hypervisors` in the description of {self.plan.stack}."
            )

    def check_none_is_paused(self) -> None:
        """Refuse to work on a frozen machine, which libvirt's provider would try to start.

        Whether it may go on is a person's decision: its peer may have taken over meanwhile.

        Raises:
            CommandError: at least one is paused; each is named with the command that resumes it.
        """
        paused = [name for name, state in self.states().items() if state == PAUSED]
        if paused:
            commands = ", ".join(f"`pairwise start {self.plan.stack} {name}`" for name in paused)
            raise CommandError(
                f"{' and '.join(paused)} of {self.plan.stack} {'is' if len(paused) == 1 else 'are'}"
                f" paused: {commands} lets it go on, then run this again."
            )

    def state(self, node: NodePlan) -> str:
        """libvirt's word for the state of one machine."""
        done = self.virsh(node, "domstate", node.machine)
        return done.stdout.strip() if done.returncode == 0 else GONE

    def start(self, node: NodePlan) -> bool:
        """Start a machine; returns whether it was off.

        Raises:
            CommandError: it does not exist, or its hypervisor refuses.
        """
        state = self.state(node)
        if state == RUNNING:
            return False
        verb = "resume" if state == PAUSED else "start"
        self._do(node, verb)
        return True

    def stop(self, node: NodePlan) -> str:
        """Shut a machine down, by force when it does not heed; returns how it ended.

        Raises:
            CommandError: it does not exist, or its hypervisor refuses.
        """
        if self.state(node) == "shut off":
            return "was off already"
        self._do(node, "shutdown")
        limit_s = SHUTDOWN_S if node.data is None and node.gtid is None else DATA_S
        is_off = wait_until(lambda: self.state(node) == "shut off", timeout_s=limit_s)
        if is_off:
            return "shut down"
        self._do(node, "destroy")
        return f"powered off: it did not shut down within {limit_s} s"

    def _do(self, node: NodePlan, verb: str) -> None:
        done = self.virsh(node, verb, node.machine)
        if done.returncode != 0:
            raise CommandError(
                f"Machine {node.machine} cannot do {verb!r} ({_reason(done)}): "
                f"`pairwise status {self.plan.stack}` shows what is there."
            )


def _reason(done: subprocess.CompletedProcess[str]) -> str:
    """What virsh complained about, on one line."""
    return "; ".join(
        line.removeprefix("error: ").strip() for line in done.stderr.splitlines() if line.strip()
    )


def parse_list(text: str) -> dict[str, str]:
    """Output of ``virsh list --all``: machine -> state (which may have a space in it)."""
    rows = [line.split(maxsplit=2) for line in text.splitlines() if line.strip()]
    return {row[1]: row[2].strip() for row in rows if len(row) == 3 and row[0] != "Id"}
