"""One hypervisor's share of a stack: the connection, the networks and the image.

Creates: a libvirt provider; a Network for each network that a node on it is in; a BaseImage.
Args: ``plan``, the whole plan; ``place``, how the hypervisor is reached; ``image``.
Outputs: ``connection``, ``networks`` (ids by name) and ``base_volume_id``, for the machines on it.
Replaces on: see Network and BaseImage.
Protects: nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from components import _libvirt
from components.image import BaseImage, BaseImageArgs
from components.network import Network, NetworkArgs
from components.settings import Image, Place
from stacks.plan_types import Plan


@dataclass(frozen=True, kw_only=True)
class HypervisorArgs:
    """What a hypervisor's share is made from."""

    plan: Plan
    """The whole plan; only the networks of the nodes placed here are made."""
    place: Place
    """How the hypervisor is reached."""
    image: Image
    """What its machines start from."""


class Hypervisor(pulumi.ComponentResource):
    """The ground that machines on one hypervisor stand on."""

    connection: _libvirt.Connection
    """Every libvirt resource on this hypervisor goes through it."""
    image: Image
    """What its machines start from."""
    networks: dict[str, pulumi.Output[str]]
    """UUIDs of the networks by name."""
    base_volume_id: pulumi.Output[str]
    """Key of the volume that root disks lie over."""

    def __init__(
        self, name: str, args: HypervisorArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("pairwise:index:Hypervisor", name, {}, opts)
        self.image = args.image
        self.connection = _libvirt.connect(name, place=args.place, parent=self)
        child = pulumi.ResourceOptions(parent=self)
        self.networks = {
            network: Network(
                f"{name}-{network}",
                NetworkArgs(
                    stack=args.plan.stack,
                    plan=args.plan.networks[network],
                    connection=self.connection,
                ),
                child,
            ).id
            for network in _networks_on(args.plan, args.place.name)
        }
        image = BaseImageArgs(stack=args.plan.stack, connection=self.connection, image=args.image)
        self.base_volume_id = BaseImage(f"{name}-image", image, child).volume_id
        self.register_outputs({"networks": self.networks, "base_volume_id": self.base_volume_id})


def _networks_on(plan: Plan, hypervisor: str) -> list[str]:
    """Networks that a node on this hypervisor has a card in."""
    return sorted(
        {
            interface.network
            for node in plan.nodes.values()
            if node.hypervisor == hypervisor
            for interface in node.interfaces
        }
    )
