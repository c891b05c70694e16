"""One node as a running machine: its host key, its first-boot data, its root disk, its domain.

Creates: an SshKey (the host key), a cloud-init CD, a root volume over the image, a libvirt domain.
Args: ``node``, as planned; ``hypervisor``, where it runs; ``admin_key``, who may log in;
    ``disks``, its data volumes; ``render``, which makes the first-boot data.
Outputs: ``id`` (the domain's UUID), ``identity``, ``host_key`` (public).
Replaces on: vcpus, memory, disks, cards, image or first-boot data. The root disk goes only with
    the image or the first-boot data; data volumes stay in every case.
Protects: nothing: all that must be kept is on data volumes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import pulumi

from components import _libvirt
from components.deploy import DeployHost, SshKey
from components.hypervisor import Hypervisor
from stacks.plan_types import NodePlan

DIGEST_LENGTH = 12
"""Characters of the first-boot data's digest in an identity: 48 bits of a SHA-256."""
WITHHELD = "-----BEGIN OPENSSH PRIVATE KEY-----\n(withheld)\n-----END OPENSSH PRIVATE KEY-----\n"
"""Stands for the host's private key where the first-boot data is digested; looks like a key."""


class CloudInit(Protocol):
    """The three files of cloud-init's NoCloud data source."""

    @property
    def user_data(self) -> str:
        """Names, users, keys."""

    @property
    def meta_data(self) -> str:
        """Instance id and host name."""

    @property
    def network_config(self) -> str:
        """Static addresses by MAC."""


class RenderCloudInit(Protocol):
    """A pure function from a node and its keys to its first-boot data."""

    def __call__(
        self, node: NodePlan, *, admin_key: str, host_private_key: str, host_public_key: str
    ) -> CloudInit:
        """Render the three files."""


@dataclass(frozen=True, kw_only=True)
class MachineArgs:
    """What a machine is made from."""

    node: NodePlan
    """The node as planned."""
    hypervisor: Hypervisor
    """Where it runs."""
    admin_key: pulumi.Input[str]
    """Public key of the stack's administrator."""
    render: RenderCloudInit
    """Makes the first-boot data; given from outside, as components know no software."""
    disks: Sequence[_libvirt.DataDisk] = ()
    """Its data volumes, there from the first day: a machine that gets one later is replaced."""


class Machine(pulumi.ComponentResource):
    """One machine on one hypervisor."""

    node: NodePlan
    """The node as planned."""
    id: pulumi.Output[str]
    """UUID of the libvirt domain."""
    identity: pulumi.Output[str]
    """``<domain UUID>/<digest of the first-boot data>``; holds no secret."""
    host_key: pulumi.Output[str]
    """Public host key."""

    def __init__(
        self, name: str, args: MachineArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("pairwise:index:Machine", name, {}, opts)
        self.node = args.node
        key = SshKey(
            f"{name}-host-key",
            comment=f"root@{args.node.fqdn}",
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.host_key = key.public_key
        public = _render(args, key, private_key=WITHHELD)
        digest = public.apply(_digest)
        self.id = self._domain(name, args, _render(args, key, private_key=key.private_key), public)
        self.identity = pulumi.Output.concat(self.id, "/", digest)
        self.register_outputs({"id": self.id, "identity": self.identity, "host_key": self.host_key})

    def _domain(
        self,
        name: str,
        args: MachineArgs,
        secret: pulumi.Output[CloudInit],
        public: pulumi.Output[CloudInit],
    ) -> pulumi.Output[str]:
        machine = args.node.machine
        hypervisor = args.hypervisor
        cloud_init_id = _libvirt.cloud_init_disk(
            f"{name}-cloud-init",
            volume=f"{machine}-cloud-init.iso",
            on=hypervisor.connection,
            user_data=secret.apply(lambda files: files.user_data),
            meta_data=public.apply(lambda files: files.meta_data),
            network_config=public.apply(lambda files: files.network_config),
            parent=self,
        )
        root_id = _libvirt.root_volume(
            f"{name}-root",
            volume=f"{machine}-root.qcow2",
            on=hypervisor.connection,
            base_id=hypervisor.base_volume_id,
            born_with=public.apply(_digest),
            parent=self,
        )
        return _libvirt.domain(
            f"{name}-domain",
            node=args.node,
            on=hypervisor.connection,
            image=hypervisor.image,
            root_id=root_id,
            disks=args.disks,
            cloud_init_id=cloud_init_id,
            networks=[hypervisor.networks[card.network] for card in args.node.interfaces],
            parent=self,
        )

    def deploy_host(self) -> DeployHost:
        """This machine as a host of a Deploy."""
        return DeployHost(
            address=str(self.node.management_address),
            host_key=self.host_key,
            identity=self.identity,
        )


def _render(
    args: MachineArgs, key: SshKey, *, private_key: pulumi.Input[str]
) -> pulumi.Output[CloudInit]:
    keys = pulumi.Output.all(args.admin_key, private_key, key.public_key)
    return keys.apply(
        lambda values: args.render(
            args.node,
            admin_key=values[0],
            host_private_key=values[1],
            host_public_key=values[2],
        )
    )


def _digest(files: CloudInit) -> str:
    text = "\0".join([files.user_data, files.meta_data, files.network_config])
    return hashlib.sha256(text.encode()).hexdigest()[:DIGEST_LENGTH]
