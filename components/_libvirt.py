"""The only import of pulumi_libvirt: each resource with every limit of the frozen provider handled.

The provider is terraform-provider-libvirt 0.8.3 behind Pulumi's bridge. What it does was read in
its source (``resource_libvirt_*.go``) and tried; docs/decisions/pulumi-libvirt.md lists it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_libvirt as libvirt

from components import strays
from components.domain_xml import DOMAIN_XSLT
from components.settings import Image, Place
from stacks.model import NetworkMode
from stacks.plan_types import NetworkPlan, NodePlan

MIB = 1024 * 1024
"""Bytes in a MiB: the provider takes the size of a volume in bytes."""
MACHINE_TYPE = "pc"
"""i440FX: the provider puts the cloud-init CD on an IDE bus, which q35 does not have."""
KERNEL_WORDS = "quiet rw"
"""Kernel parameters without a value, sorted, in the one text that the provider reads back."""
KERNEL_PARAMETERS = {
    "console": "ttyS0",
    # Without it cloud-init does not look for its CD and stays off.
    "ds": "nocloud",
    # Machines of a lab run nobody else's code; emulated, the mitigations cost a tenth of the time.
    "mitigations": "off",
    "root": "LABEL=root",
}
"""Kernel parameters with a value."""
EMULATED = {"clearcpuid": "cx16"}
"""More of them for an emulated machine: domain_xml.py says why."""

# The provider reports a change of these as done and does nothing; a new machine does it.
IGNORED_BY_UPDATE = [
    "cloudinit",  # the CD is exchanged, but cloud-init does not run again
    "emulator",
    "initrd",
    "kernel",
    "machine",
    "networkInterfaces",
    "video",
]


@dataclass(frozen=True, kw_only=True)
class DataDisk:
    """A data volume as a machine carries it."""

    volume_id: pulumi.Input[str]
    """Key of the libvirt volume."""
    wwn: str
    """Identity of the disk inside the machine, 16 hex digits."""


@dataclass(frozen=True, kw_only=True)
class Connection:
    """One hypervisor as the program reaches it."""

    place: Place
    """Where it is."""
    provider: pulumi.ProviderResource
    """The provider that every resource on it goes through."""
    domain_hook: pulumi.ResourceHook
    """Removes a stray of the same name before a machine is made; so do the next two."""
    network_hook: pulumi.ResourceHook
    """For networks."""
    volume_hook: pulumi.ResourceHook
    """For volumes that hold nothing of value: images, root disks, CDs."""


def connect(name: str, *, place: Place, parent: pulumi.Resource) -> Connection:
    """The connection to one hypervisor."""
    return Connection(
        place=place,
        provider=libvirt.Provider(
            f"{name}-libvirt", uri=place.uri, opts=pulumi.ResourceOptions(parent=parent)
        ),
        domain_hook=pulumi.ResourceHook(f"{name}-domains", strays.removal_of_domains(place)),
        network_hook=pulumi.ResourceHook(f"{name}-networks", strays.removal_of_networks(place)),
        volume_hook=pulumi.ResourceHook(f"{name}-volumes", strays.removal_of_volumes(place)),
    )


def _options(
    on: Connection, parent: pulumi.Resource, extra: pulumi.ResourceOptions
) -> pulumi.ResourceOptions:
    common = pulumi.ResourceOptions(parent=parent, provider=on.provider)
    return pulumi.ResourceOptions.merge(common, extra)


def _before(hook: pulumi.ResourceHook) -> pulumi.ResourceHookBinding:
    return pulumi.ResourceHookBinding(before_create=[hook])


def network(
    name: str, *, on: Connection, libvirt_name: str, plan: NetworkPlan, parent: pulumi.Resource
) -> pulumi.Output[str]:
    """A network without DHCP whose DNS holds the plan's entries; returns its id.

    DNS entries are the one thing that the provider updates in place (``updateDNSHosts``), so a new
    node or VIP never replaces a network. It matches an entry by its address: one name each.
    """
    extra = pulumi.ResourceOptions(delete_before_replace=True, hooks=_before(on.network_hook))
    resource = libvirt.Network(
        name,
        name=libvirt_name,
        mode="none" if plan.mode is NetworkMode.ISOLATED else plan.mode.value,
        domain=plan.domain,
        bridge=plan.bridge,
        addresses=[str(plan.cidr)],
        autostart=True,
        dhcp=libvirt.NetworkDhcpArgs(enabled=False),
        dns=libvirt.NetworkDnsArgs(
            enabled=True,
            local_only=True,
            hosts=[
                libvirt.NetworkDnsHostArgs(ip=str(entry.address), hostname=name_)
                for entry in plan.dns
                for name_ in entry.names
            ],
        ),
        opts=_options(on, parent, extra),
    )
    return resource.id


def base_volume(
    name: str, *, volume: str, on: Connection, source: str, parent: pulumi.Resource
) -> pulumi.Output[str]:
    """The image itself, uploaded once; returns its key. Its name carries the image's key."""
    extra = pulumi.ResourceOptions(ignore_changes=["source"], hooks=_before(on.volume_hook))
    resource = libvirt.Volume(
        name,
        name=volume,
        pool=on.place.pool,
        source=source,
        format="qcow2",
        opts=_options(on, parent, extra),
    )
    return resource.id


def root_volume(
    name: str,
    *,
    volume: str,
    on: Connection,
    base_id: pulumi.Input[str],
    born_with: pulumi.Input[str],
    parent: pulumi.Resource,
) -> pulumi.Output[str]:
    """An overlay over the image, made anew when ``born_with`` changes; returns its key."""
    extra = pulumi.ResourceOptions(
        delete_before_replace=True,
        replacement_trigger=born_with,
        hooks=_before(on.volume_hook),
    )
    resource = libvirt.Volume(
        name,
        name=volume,
        pool=on.place.pool,
        base_volume_id=base_id,
        format="qcow2",
        opts=_options(on, parent, extra),
    )
    return resource.id


def data_volume(
    name: str,
    *,
    volume: str,
    on: Connection,
    size_mib: int,
    protect: bool,
    parent: pulumi.Resource,
) -> pulumi.Output[str]:
    """A raw volume that outlives its machine; returns its key.

    The provider answers any change of a volume by deleting it, so a new size is ignored: a disk
    grows by hand on both nodes (``docs/``), never by losing what is on it.
    """
    extra = pulumi.ResourceOptions(
        delete_before_replace=True, ignore_changes=["size"], protect=protect
    )
    resource = libvirt.Volume(
        name,
        name=volume,
        pool=on.place.pool,
        size=size_mib * MIB,
        format="raw",
        opts=_options(on, parent, extra),
    )
    return resource.id


def cloud_init_disk(
    name: str,
    *,
    volume: str,
    on: Connection,
    user_data: pulumi.Input[str],
    meta_data: pulumi.Input[str],
    network_config: pulumi.Input[str],
    parent: pulumi.Resource,
) -> pulumi.Output[str]:
    """The CD that cloud-init reads at the first boot; returns its id. user_data is a secret."""
    extra = pulumi.ResourceOptions(
        delete_before_replace=True,
        additional_secret_outputs=["userData"],
        hooks=_before(on.volume_hook),
    )
    resource = libvirt.CloudInitDisk(
        name,
        name=volume,
        pool=on.place.pool,
        user_data=user_data,
        meta_data=meta_data,
        network_config=network_config,
        opts=_options(on, parent, extra),
    )
    return resource.id


def domain(
    name: str,
    *,
    node: NodePlan,
    on: Connection,
    image: Image,
    root_id: pulumi.Input[str],
    disks: Sequence[DataDisk],
    cloud_init_id: pulumi.Input[str],
    networks: Sequence[pulumi.Input[str]],
    parent: pulumi.Resource,
) -> pulumi.Output[str]:
    """A running machine; returns its UUID. ``networks`` are ids in the order of its cards."""
    extra = pulumi.ResourceOptions(
        delete_before_replace=True,
        replace_on_changes=IGNORED_BY_UPDATE,
        hooks=_before(on.domain_hook),
        # A machine has its cards before it has its disks; emulated ones may wait for each other.
        custom_timeouts=pulumi.CustomTimeouts(create="10m", delete="5m"),
    )
    resource = libvirt.Domain(
        name,
        name=node.machine,
        description=f"{node.fqdn}, managed by pairwise",
        type="kvm" if on.place.kvm else "qemu",
        machine=MACHINE_TYPE,
        # The plainest model of an emulated processor lacks instructions that Debian needs.
        cpu=libvirt.DomainCpuArgs(mode="host-passthrough" if on.place.kvm else "maximum"),
        vcpu=_processors(node, on.place),
        memory=node.memory_mib,
        autostart=True,
        running=True,
        kernel=image.kernel,
        initrd=image.initrd,
        cmdlines=_kernel_command_line(on.place) if image.kernel else None,
        cloudinit=cloud_init_id,
        disks=[
            libvirt.DomainDiskArgs(volume_id=root_id),
            *(libvirt.DomainDiskArgs(volume_id=d.volume_id, scsi=True, wwn=d.wwn) for d in disks),
        ],
        network_interfaces=[
            # The provider reads MACs back in capitals.
            libvirt.DomainNetworkInterfaceArgs(network_id=network_id, mac=interface.mac.upper())
            for interface, network_id in zip(node.interfaces, networks, strict=True)
        ],
        xml=libvirt.DomainXmlArgs(xslt=DOMAIN_XSLT),
        opts=_options(on, parent, extra),
    )
    return resource.id


def _processors(node: NodePlan, place: Place) -> int:
    """One where machines are emulated: docs/decisions/embedded-hypervisor.md says why."""
    if place.kvm or node.vcpus == 1:
        return node.vcpus
    pulumi.warn(
        f"Node {node.name} gets one processor and not {node.vcpus}: hypervisor {place.name}"
        " emulates its machines, and an emulated kernel with more than one panics."
    )
    return 1


def _kernel_command_line(place: Place) -> list[dict[str, str]]:
    """In the shape in which the provider reads it back; any other shape is a replacement."""
    return [KERNEL_PARAMETERS if place.kvm else KERNEL_PARAMETERS | EMULATED, {"_": KERNEL_WORDS}]
