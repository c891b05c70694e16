"""LVS real server: a machine takes packets for a VIP that it never tells the network of.

Needs: node.real_server; block base, which has every machine answer ARP on the card of the address
    only (arp_ignore 1, arp_announce 2), before any address is there.
Ensures: with dr each VIP on lo; with tun module ipip and each VIP on tunl0. With nat, where packets
    are for its own address, a route by which its answers come back through the active director.
Restart: when the list of VIPs changes: for a moment it answers for none of them.
Pair order: any.
Verify: each VIP is held, and no card of a network holds it.
Fails when: the machine has no module ipip.
Refs: Documentation/networking/ip-sysctl.rst (arp_ignore, arp_announce), RFC 2003, documents 001
    and 004.

Kept from the documents: the VIP with 32 bits, arp_ignore 1, arp_announce 2.

Replaced knowingly: an alias of lo or tunl0 by ifconfig in rc.local -> a unit, after the sysctls.
rp_filter 0 -> loose mode, which Debian has: the client's address is reachable by some card.
"""

from __future__ import annotations

from bootstrap.checks import Check, is_active, is_enabled
from bootstrap.managed import ManagedFile, Manifest, Reload, Unit
from bootstrap.render import render
from bootstrap.shared.systemd import check_unit
from stacks.model_lvs import Forwarding
from stacks.plan_lvs_types import TUNNEL, AnsweredVip, RealServerPlan
from stacks.plan_types import DeployPlan, NodePlan

NAME = "lvs_real_server"
UNIT = "pairwise-lvs-vips.service"
UNIT_PATH = f"/etc/systemd/system/{UNIT}"


def files(node: NodePlan, plan: DeployPlan) -> tuple[ManagedFile, ...]:
    """Every file of the block, in the order in which they are written."""
    vips, gateway = held(node), _own(node).gateway
    tunnel = any(_device(vip) == TUNNEL for vip in vips)
    unit = render(
        "blocks/lvs_real_server/templates/lvs-vips.service.j2",
        stack=plan.stack,
        vips=[(vip.address, _device(vip)) for vip in vips],
        tunnel=TUNNEL if tunnel else "",
        other={"lo": TUNNEL, TUNNEL: "lo"},
        gateway=gateway,
        # Both halves of all addresses: nearer than the default route, which stays as it is.
        routes=("0.0.0.0/1", "128.0.0.0/1"),
    )
    needed = bool(vips) or gateway is not None
    return (ManagedFile(path=UNIT_PATH, content=unit, check=check_unit(UNIT)),) if needed else ()


def manifest(node: NodePlan, plan: DeployPlan) -> Manifest:
    """All that the block owns on a node."""
    managed = files(node, plan)
    units = (Unit(name=UNIT, reload=Reload.RESTART, files=(UNIT_PATH,)),) if managed else ()
    return Manifest(block=NAME, files=managed, units=units)


def checks(node: NodePlan, plan: DeployPlan) -> tuple[Check, ...]:
    """What ``pairwise verify`` tries."""
    del plan
    vips, gateway = held(node), _own(node).gateway
    if not vips and gateway is None:
        return ()
    routed = [
        Check(
            name=f"lvs_real_server: answers go by {found.address}",
            command=f"ip -4 route get 192.0.2.1 | grep -c 'via {found.address} '",
            expect="1",
            failure=f"{node.name} answers clients past its directors, and they refuse that:"
            f" `systemctl restart {UNIT}` there sets its route.",
        )
        for found in (gateway,)
        if found is not None
    ]
    return (
        is_active(NAME, UNIT),
        is_enabled(NAME, UNIT),
        *routed,
        *(
            Check(
                name=f"lvs_real_server: {vip.address} is on {_device(vip)} and nowhere else",
                command=f"ip -o -4 address show to {vip.address}/32 | awk '{{print $2}}'",
                expect=_device(vip),
                failure=f"{node.name} answers for {vip.address} in the network as well as its"
                " director, or not at all: `ip -4 address` shows where it has it.",
            )
            for vip in vips
        ),
    )


def held(node: NodePlan) -> tuple[AnsweredVip, ...]:
    """VIPs that the machine has to hold."""
    return tuple(v for v in _own(node).vips if v.forwarding is not Forwarding.NAT)


def _own(node: NodePlan) -> RealServerPlan:
    if node.real_server is None:
        raise ValueError(f"Node {node.name} is no real server in its plan.")
    return node.real_server


def _device(vip: AnsweredVip) -> str:
    return TUNNEL if vip.forwarding is Forwarding.TUN else "lo"
