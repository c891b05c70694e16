"""The only import of pulumi_libvirt: each resource with every limit of the frozen provider handled.

The provider is terraform-provider-libvirt 0.8.3 behind Pulumi's bridge. What it does was read in
its source (``resource_libvirt_*.go``) and tried; docs/decisions/pulumi-libvirt.md lists it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_libvirt as libvirt

from components.settings import Image, Place
from stacks.model import NetworkMode
from stacks.plan_types import NetworkPlan, NodePlan

MIB = 1024 * 1024
"""Bytes in a MiB: the provider takes the size of a volume in bytes."""
MACHINE_TYPE = "pc"
"""i440FX: the provider puts the cloud-init CD on an IDE bus, which q35 does not have."""
TRANSLATION_CACHE_MIB = 256
"""Code cache of an emulated machine; the default of 1 GiB makes six machines need 10 GiB."""
CONSOLE_LOG = "/var/log/libvirt/qemu/{machine}.console.log"
"""What a machine prints on its serial console, as the hypervisor's virtlogd keeps it."""

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

# What the provider has no field for, or sets by itself and we do not want: a serial console with
# a log, no display, no balloon, no USB, and a smaller code cache under emulation.
DOMAIN_XSLT = f"""\
<?xml version="1.0"?>
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
  <xsl:output omit-xml-declaration="yes" indent="yes"/>
  <xsl:template match="node()|@*">
    <xsl:copy><xsl:apply-templates select="node()|@*"/></xsl:copy>
  </xsl:template>
  <xsl:template match="/domain/devices/graphics"/>
  <xsl:template match="/domain/features">
    <xsl:copy>
      <xsl:apply-templates select="node()|@*"/>
      <xsl:if test="/domain/@type='qemu'">
        <tcg><tb-cache unit="MiB">{TRANSLATION_CACHE_MIB}</tb-cache></tcg>
      </xsl:if>
    </xsl:copy>
  </xsl:template>
  <xsl:template match="/domain/devices">
    <xsl:copy>
      <xsl:apply-templates select="node()|@*"/>
      <serial type="pty">
        <log append="on">
          <xsl:attribute name="file">
            <xsl:value-of select="concat('/var/log/libvirt/qemu/', /domain/name, '.console.log')"/>
          </xsl:attribute>
        </log>
        <target port="0"/>
      </serial>
      <console type="pty"><target type="serial" port="0"/></console>
      <video><model type="none"/></video>
      <memballoon model="none"/>
      <controller type="usb" model="none"/>
    </xsl:copy>
  </xsl:template>
</xsl:stylesheet>
"""


@dataclass(frozen=True, kw_only=True)
class DataDisk:
    """A data volume as a machine carries it."""

    volume_id: pulumi.Input[str]
    """Key of the libvirt volume."""
    wwn: str
    """Identity of the disk inside the machine, 16 hex digits."""


def provider(name: str, *, place: Place, parent: pulumi.Resource) -> pulumi.ProviderResource:
    """The connection to one hypervisor."""
    return libvirt.Provider(name, uri=place.uri, opts=pulumi.ResourceOptions(parent=parent))


def network(
    name: str, *, libvirt_name: str, plan: NetworkPlan, opts: pulumi.ResourceOptions
) -> pulumi.Output[str]:
    """A network without DHCP whose DNS holds the plan's entries; returns its id.

    DNS entries are the one thing that the provider updates in place (``updateDNSHosts``), so a new
    node or VIP never replaces a network. It matches an entry by its address: one name each.
    """
    resource = libvirt.Network(
        name,
        name=libvirt_name,
        mode=plan.mode.value if plan.mode is NetworkMode.NAT else "none",
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
        opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(delete_before_replace=True)),
    )
    return resource.id


def base_volume(
    name: str, *, volume: str, place: Place, source: str, opts: pulumi.ResourceOptions
) -> pulumi.Output[str]:
    """The image itself, uploaded once; returns its key. Its name carries the image's key."""
    extra = pulumi.ResourceOptions(ignore_changes=["source"])
    resource = libvirt.Volume(
        name,
        name=volume,
        pool=place.pool,
        source=source,
        format="qcow2",
        opts=pulumi.ResourceOptions.merge(opts, extra),
    )
    return resource.id


def root_volume(
    name: str,
    *,
    volume: str,
    place: Place,
    base_id: pulumi.Input[str],
    born_with: pulumi.Input[str],
    opts: pulumi.ResourceOptions,
) -> pulumi.Output[str]:
    """An overlay over the image, made anew when ``born_with`` changes; returns its key."""
    extra = pulumi.ResourceOptions(delete_before_replace=True, replacement_trigger=born_with)
    resource = libvirt.Volume(
        name,
        name=volume,
        pool=place.pool,
        base_volume_id=base_id,
        format="qcow2",
        opts=pulumi.ResourceOptions.merge(opts, extra),
    )
    return resource.id


def data_volume(
    name: str, *, volume: str, place: Place, size_mib: int, opts: pulumi.ResourceOptions
) -> pulumi.Output[str]:
    """A raw volume that outlives its machine; returns its key.

    The provider answers any change of a volume by deleting it, so a new size is ignored: a disk
    grows by hand on both nodes (``docs/``), never by losing what is on it.
    """
    extra = pulumi.ResourceOptions(delete_before_replace=True, ignore_changes=["size"])
    resource = libvirt.Volume(
        name,
        name=volume,
        pool=place.pool,
        size=size_mib * MIB,
        format="raw",
        opts=pulumi.ResourceOptions.merge(opts, extra),
    )
    return resource.id


def cloud_init_disk(
    name: str,
    *,
    volume: str,
    place: Place,
    user_data: pulumi.Input[str],
    meta_data: pulumi.Input[str],
    network_config: pulumi.Input[str],
    opts: pulumi.ResourceOptions,
) -> pulumi.Output[str]:
    """The CD that cloud-init reads at the first boot; returns its id. user_data is a secret."""
    extra = pulumi.ResourceOptions(
        delete_before_replace=True, additional_secret_outputs=["userData"]
    )
    resource = libvirt.CloudInitDisk(
        name,
        name=volume,
        pool=place.pool,
        user_data=user_data,
        meta_data=meta_data,
        network_config=network_config,
        opts=pulumi.ResourceOptions.merge(opts, extra),
    )
    return resource.id


def domain(
    name: str,
    *,
    node: NodePlan,
    place: Place,
    image: Image,
    root_id: pulumi.Input[str],
    disks: Sequence[DataDisk],
    cloud_init_id: pulumi.Input[str],
    networks: Sequence[pulumi.Input[str]],
    opts: pulumi.ResourceOptions,
) -> pulumi.Output[str]:
    """A running machine; returns its UUID. ``networks`` are ids in the order of its cards."""
    extra = pulumi.ResourceOptions(
        delete_before_replace=True,
        replace_on_changes=IGNORED_BY_UPDATE,
        # A machine has its cards before it has its disks; emulated ones may wait for each other.
        custom_timeouts=pulumi.CustomTimeouts(create="10m", delete="5m"),
    )
    resource = libvirt.Domain(
        name,
        name=node.machine,
        description=f"{node.fqdn}, managed by pairwise",
        type="kvm" if place.kvm else "qemu",
        machine=MACHINE_TYPE,
        # The plainest model of an emulated processor lacks instructions that Debian needs.
        cpu=libvirt.DomainCpuArgs(mode="host-passthrough" if place.kvm else "maximum"),
        vcpu=node.vcpus,
        memory=node.memory_mib,
        autostart=True,
        running=True,
        kernel=image.kernel,
        initrd=image.initrd,
        cmdlines=_kernel_command_line() if image.kernel else None,
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
        opts=pulumi.ResourceOptions.merge(opts, extra),
    )
    return resource.id


def _kernel_command_line() -> list[dict[str, str]]:
    """In the shape in which the provider reads it back; any other shape is a replacement."""
    return [KERNEL_PARAMETERS, {"_": KERNEL_WORDS}]
