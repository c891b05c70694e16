"""The backing volumes of one DRBD resource, one of the same size on each node of a pair.

Creates: a raw libvirt volume for each node.
Args: ``resource``, the disk's name; ``disks``, each node's volume as planned; ``hypervisors``,
    each node's; ``protect``, whether the volumes refuse deletion.
Outputs: ``volumes``, what each node's machine carries.
Replaces on: another name or pool, which destroys data. Never on size: a new size is ignored,
    because the provider can only answer it by deleting the volume.
Protects: every volume, when ``protect`` is set.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi

from components import _libvirt
from components.hypervisor import Hypervisor
from stacks.plan_types import DiskPlan


@dataclass(frozen=True, kw_only=True)
class ReplicatedDiskArgs:
    """What a replicated disk is made from."""

    disks: Mapping[str, DiskPlan]
    """The backing volume of each node, by node."""
    hypervisors: Mapping[str, Hypervisor]
    """Where each node runs, by node."""
    protect: bool
    """Whether the volumes refuse deletion (``protect_data`` of the description)."""


class ReplicatedDisk(pulumi.ComponentResource):
    """Two volumes that DRBD keeps equal."""

    volumes: dict[str, _libvirt.DataDisk]
    """What each node's machine carries, by node."""

    def __init__(
        self, name: str, args: ReplicatedDiskArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("pairwise:index:ReplicatedDisk", name, {}, opts)
        self.volumes = {}
        for node, disk in sorted(args.disks.items()):
            volume_id = _libvirt.data_volume(
                f"{name}-{node}",
                volume=disk.volume,
                on=args.hypervisors[node].connection,
                size_mib=disk.size_mib,
                protect=args.protect,
                parent=self,
            )
            self.volumes[node] = _libvirt.DataDisk(volume_id=volume_id, wwn=disk.wwn)
        self.register_outputs({"volumes": {n: v.volume_id for n, v in self.volumes.items()}})
