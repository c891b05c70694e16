"""The reservation of a VIP: its address is nobody's own and its name is in the network's DNS.

Creates: nothing of its own. libvirt keeps DNS entries inside the network, and no network has
    DHCP, so the network that carries the entry is the reservation; this component checks that it
    does, depends on it, and names it in the resource tree.
Args: ``vip`` and ``network``, as planned; ``network_ids``, the networks that carry the entry.
Outputs: ``address`` and ``dns``, which exist once the networks do.
Replaces on: nothing; a VIP that changes is a DNS entry that changes in place.
Protects: nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

from stacks.plan_types import NetworkPlan, VipPlan


@dataclass(frozen=True, kw_only=True)
class VipReservationArgs:
    """What a reservation is made from."""

    vip: VipPlan
    """The VIP as planned."""
    network: NetworkPlan
    """The network that it is in."""
    network_ids: Sequence[pulumi.Output[str]]
    """That network on each hypervisor of the pair."""


class VipReservation(pulumi.ComponentResource):
    """One VIP that nothing else may take."""

    address: pulumi.Output[str]
    """The address, once its networks exist."""
    dns: pulumi.Output[str]
    """The full name that resolves to it."""

    def __init__(
        self, name: str, args: VipReservationArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("pairwise:index:VipReservation", name, {}, opts)
        _check(args.vip, args.network)
        networks = pulumi.Output.all(*args.network_ids)
        self.address = networks.apply(lambda _: str(args.vip.address))
        self.dns = networks.apply(lambda _: args.vip.dns)
        self.register_outputs({"address": self.address, "dns": self.dns})


def _check(vip: VipPlan, network: NetworkPlan) -> None:
    """Refuse a reservation that would reserve nothing.

    Raises:
        ValueError: the plan contradicts itself.
    """
    holders = [entry for entry in network.dns if entry.address == vip.address]
    if vip.address not in network.cidr or vip.address == network.gateway:
        raise ValueError(
            f"VIP {vip.name} of pair {vip.pair} has the address {vip.address}, which network "
            f"{network.name} ({network.cidr}) cannot reserve: give it a free address of it."
        )
    if [entry.names for entry in holders] != [(vip.dns,)]:
        raise ValueError(
            f"The address {vip.address} of VIP {vip.name} must stand in the DNS of network "
            f"{network.name} as {vip.dns} and nothing else: correct stacks.plan."
        )
