"""Two machines of one highly available unit, with what they share.

Creates: a ReplicatedDisk for each DRBD resource, a Machine for each node, a VipReservation for
    each VIP.
Args: ``nodes`` and ``vips``, as planned; ``networks``, the plan's; ``hypervisors``, each node's;
    ``admin_key``; ``render``; ``protect_data``.
Outputs: ``machines``, by node.
Replaces on: nothing of its own.
Protects: the volumes of its replicated disks, when ``protect_data`` is set.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi

from components.hypervisor import Hypervisor
from components.machine import Machine, MachineArgs, RenderCloudInit
from components.replicated_disk import ReplicatedDisk, ReplicatedDiskArgs
from components.vip import VipReservation, VipReservationArgs
from stacks.plan_types import NetworkPlan, NodePlan, VipPlan


@dataclass(frozen=True, kw_only=True)
class PairArgs:
    """What a pair is made from."""

    nodes: Mapping[str, NodePlan]
    """Its two nodes by name."""
    vips: Sequence[VipPlan]
    """Its VIPs that are in force."""
    networks: Mapping[str, NetworkPlan]
    """The plan's networks by name."""
    hypervisors: Mapping[str, Hypervisor]
    """Where each node runs, by node."""
    admin_key: pulumi.Input[str]
    """Public key of the stack's administrator."""
    render: RenderCloudInit
    """Makes the first-boot data."""
    protect_data: bool
    """Whether data volumes refuse deletion."""


class Pair(pulumi.ComponentResource):
    """One pair."""

    machines: dict[str, Machine]
    """Its machines by node."""

    def __init__(
        self, name: str, args: PairArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("pairwise:index:Pair", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        disks = [
            ReplicatedDisk(f"{name}-{disk}", _disk_args(args, disk), child)
            for disk in _disks(args.nodes)
        ]
        self.machines = {
            node: Machine(
                f"{name}-{node}",
                MachineArgs(
                    node=plan,
                    hypervisor=args.hypervisors[node],
                    admin_key=args.admin_key,
                    render=args.render,
                    disks=[disk.volumes[node] for disk in disks],
                ),
                child,
            )
            for node, plan in sorted(args.nodes.items())
        }
        vips = {
            vip.name: VipReservation(f"{name}-{vip.name}", _vip_args(args, vip), child)
            for vip in args.vips
        }
        self.register_outputs(
            {
                "nodes": sorted(self.machines),
                "vips": {vip: reservation.address for vip, reservation in vips.items()},
            }
        )


def _disks(nodes: Mapping[str, NodePlan]) -> list[str]:
    """The pair's disks in the order of their ids, which both nodes share."""
    first = next(iter(nodes.values()))
    return [disk.name for disk in first.disks]


def _disk_args(args: PairArgs, wanted: str) -> ReplicatedDiskArgs:
    return ReplicatedDiskArgs(
        disks={
            name: disk
            for name, node in args.nodes.items()
            for disk in node.disks
            if disk.name == wanted
        },
        hypervisors=args.hypervisors,
        protect=args.protect_data,
    )


def _vip_args(args: PairArgs, vip: VipPlan) -> VipReservationArgs:
    grounds = {ground.connection.place.name: ground for ground in args.hypervisors.values()}
    return VipReservationArgs(
        vip=vip,
        network=args.networks[vip.network],
        network_ids=[ground.networks[vip.network] for _, ground in sorted(grounds.items())],
    )
