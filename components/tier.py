"""Equal, interchangeable machines, each of which may be lost.

Creates: a Machine for each node.
Args: ``nodes``, as planned; ``hypervisors``, each node's; ``admin_key``; ``render``.
Outputs: ``machines``, by node.
Replaces on: nothing of its own; a node more or less leaves the others alone.
Protects: nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi

from components.hypervisor import Hypervisor
from components.machine import Machine, MachineArgs, RenderCloudInit
from stacks.plan_types import NodePlan


@dataclass(frozen=True, kw_only=True)
class TierArgs:
    """What a tier is made from."""

    nodes: Mapping[str, NodePlan]
    """Its nodes by name."""
    hypervisors: Mapping[str, Hypervisor]
    """Where each node runs, by node."""
    admin_key: pulumi.Input[str]
    """Public key of the stack's administrator."""
    render: RenderCloudInit
    """Makes the first-boot data."""


class Tier(pulumi.ComponentResource):
    """One tier."""

    machines: dict[str, Machine]
    """Its machines by node."""

    def __init__(
        self, name: str, args: TierArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("pairwise:index:Tier", name, {}, opts)
        self.machines = {
            node: Machine(
                f"{name}-{node}",
                MachineArgs(
                    node=plan,
                    hypervisor=args.hypervisors[node],
                    admin_key=args.admin_key,
                    render=args.render,
                ),
                pulumi.ResourceOptions(parent=self),
            )
            for node, plan in sorted(args.nodes.items())
        }
        self.register_outputs({"nodes": sorted(self.machines)})
