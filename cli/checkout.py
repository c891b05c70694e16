"""The checkout that a command works on: its folders, its descriptions, its lab."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from cli.errors import EXIT_USAGE, CommandError
from lab.hypervisor import Lab
from lab.paths import Paths
from stacks.load import load_stack, stack_file, stack_names
from stacks.plan import make_plan
from stacks.plan_types import NodePlan, Plan

ROOT = Path(__file__).parent.parent
"""Folder of the checkout: the package is installed in place."""
STACKS_VARIABLE = "PAIRWISE_STACKS"
"""Environment variable: another folder of descriptions (tests of changed descriptions)."""
EMBEDDED = "embedded"
"""Value of ``hypervisors.<name>`` that stands for the lab's own hypervisor."""
GOLDEN = "golden"
"""Value of ``image`` that stands for the image that the lab bakes."""


@dataclass(frozen=True, kw_only=True)
class Checkout:
    """Where everything of one checkout is."""

    root: Path = ROOT
    """The checkout."""

    @property
    def paths(self) -> Paths:
        """The lab's paths."""
        return Paths.of_checkout(self.root)

    @property
    def lab(self) -> Lab:
        """The embedded hypervisor."""
        return Lab.of_checkout(self.root)

    @property
    def descriptions(self) -> Path:
        """Folder of the stack descriptions."""
        given = os.environ.get(STACKS_VARIABLE)
        return Path(given) if given else self.root / "stacks"

    def description(self, stack: str) -> Path:
        """File that describes a stack.

        Raises:
            CommandError: there is none of that name.
        """
        path = stack_file(self.descriptions, stack)
        if not path.is_file():
            known = ", ".join(stack_names(self.descriptions)) or "none"
            raise CommandError(
                f"There is no stack named {stack!r} in {self.descriptions.name}/: "
                f"choose one of: {known}.",
                code=EXIT_USAGE,
            )
        return path

    def plan(self, stack: str) -> Plan:
        """The plan that follows from a stack's description.

        Raises:
            CommandError: there is no such stack.
            DescriptionError: its description cannot be used.
        """
        return make_plan(load_stack(self.description(stack)))

    def stack_folder(self, stack: str) -> Path:
        """Private folder for what is derived from a stack's state (SSH key, known hosts)."""
        return self.paths.state / "stacks" / stack

    def netns(self, plan: Plan, node: NodePlan) -> str | None:
        """Namespace from which a node is reached; none where addresses are reached as they are."""
        return self.lab.netns if plan.hypervisors[node.hypervisor] == EMBEDDED else None

    def uri(self, plan: Plan, node: NodePlan) -> str:
        """libvirt URI of a node's hypervisor."""
        uri = plan.hypervisors[node.hypervisor]
        return self.lab.uri if uri == EMBEDDED else uri


def uses_lab(plan: Plan) -> bool:
    """Whether any machine of the plan runs on the embedded hypervisor."""
    return any(plan.hypervisors[node.hypervisor] == EMBEDDED for node in plan.nodes.values())


def node_of(plan: Plan, name: str) -> NodePlan:
    """A node of the plan by its name.

    Raises:
        CommandError: there is none of that name.
    """
    if name not in plan.nodes:
        known = ", ".join(plan.nodes)
        raise CommandError(
            f"Stack {plan.stack} has no node named {name!r}: choose one of: {known}.",
            code=EXIT_USAGE,
        )
    return plan.nodes[name]


def in_no_pair(node: NodePlan, kind: str) -> CommandError:
    """What a command says that is about pairs of a kind, and not about this node."""
    return CommandError(
        f"{node.name} is in no pair {kind}: this command is about such pairs.", code=EXIT_USAGE
    )
