"""A libvirt network: one bridge, its addresses, and the DNS entries of nodes and VIPs.

Creates: one libvirt network, without DHCP.
Args: ``stack``, the stack's name; ``plan``, the network as planned;
    ``connection``, the hypervisor.
Outputs: ``id``, the network's UUID.
Replaces on: address, bridge, mode or domain; every machine in it is replaced too. Never on DNS
    entries, which change in place.
Protects: nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from components import _libvirt
from stacks.plan_types import NetworkPlan


@dataclass(frozen=True, kw_only=True)
class NetworkArgs:
    """What a network is made from."""

    stack: str
    """Name of the stack."""
    plan: NetworkPlan
    """The network as planned."""
    connection: _libvirt.Connection
    """The hypervisor."""


class Network(pulumi.ComponentResource):
    """One network on one hypervisor."""

    id: pulumi.Output[str]
    """UUID of the libvirt network."""

    def __init__(
        self, name: str, args: NetworkArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("pairwise:index:Network", name, {}, opts)
        self.id = _libvirt.network(
            f"{name}-network",
            on=args.connection,
            libvirt_name=f"{args.stack}-{args.plan.name}",
            plan=args.plan,
            parent=self,
        )
        self.register_outputs({"id": self.id})
