"""LVS: the kernel of a director hands each connection for a VIP to one of its real servers.

Needs: node.director; Heartbeat or keepalived moves the VIP. Nothing else moves in a take-over: both
    directors hold the whole table all the time, and tell each other their connections.
Ensures: module ip_vs, its settings, the table, the daemons that exchange connections (both ways).
Restart: never. The table is compared with the plan and changed where it differs: connections to
    servers that stay are not cut.
Pair order: any; the table of a director without the VIP gets no packets.
Verify: every service is in the kernel's table, both daemons run.
Fails when: the kernel has no ip_vs (linux-image-cloud has none).
Refs: ipvsadm(8), Documentation/networking/ipvs-sysctl.rst, documents 001 and 004.

Kept from the documents: ipvsadm, wrr, weights (9999 in 004), gate, ipip and masq.

Replaced knowingly: a script of haresources that fills the table at a take-over -> a table that is
there before. No connection synchronisation -> both ways. ``echo 1`` into /proc -> sysctl files.
"""

from __future__ import annotations

from bootstrap.checks import Check, is_active, is_enabled
from bootstrap.managed import ManagedFile, Manifest, Unit
from bootstrap.operations import lvs as operations
from bootstrap.render import render
from bootstrap.shared import lvs
from bootstrap.shared.systemd import check_unit
from bootstrap.site import Site, ensure_active, ensure_configured
from stacks.plan_types import DeployPlan, NodePlan

NAME = "lvs"
UNIT = lvs.UNIT
RULES = "/etc/pairwise/lvs.rules"
SYSCTL_FILE = "/etc/sysctl.d/60-pairwise-lvs.conf"
SYSCTLS = {
    # A client of a server that has left the table is refused at once instead of waiting for it.
    "net.ipv4.vs.expire_nodest_conn": "1",
    # A client that persistence sends to a server of weight 0 gets another one.
    "net.ipv4.vs.expire_quiescent_template": "1",
    # The peer is told of a connection when it is made, and again when it is used so many seconds
    # later: a director that has booted learns those that are in use. By default it is told after
    # each fiftieth packet.
    "net.ipv4.vs.sync_threshold": "3 0",
    "net.ipv4.vs.sync_refresh_period": "10",
}


def files(node: NodePlan, plan: DeployPlan) -> tuple[ManagedFile, ...]:
    """Every file of the block, in the order in which they are written."""
    director = lvs.director_of(node)
    mark = f"# Managed by pairwise (stacks/{plan.stack}); local edits are lost.\n"
    lines = operations.differences(lvs.table(director), {}, probed=lvs.probed(director))
    unit = render(
        "blocks/lvs/templates/lvs.service.j2", stack=plan.stack, director=director, rules=RULES
    )
    sysctls = render("shared/templates/sysctl.conf.j2", stack=plan.stack, values=SYSCTLS)
    return (
        ManagedFile(path="/etc/modules-load.d/pairwise-lvs.conf", content=f"{mark}ip_vs\n"),
        ManagedFile(path=SYSCTL_FILE, content=sysctls),
        ManagedFile(path=RULES, content=mark + "".join(f"{line}\n" for line in lines)),
        ManagedFile(path=f"/etc/systemd/system/{UNIT}", content=unit, check=check_unit(UNIT)),
    )


def manifest(node: NodePlan, plan: DeployPlan) -> Manifest:
    """All that the block owns on a node."""
    return Manifest(
        block=NAME,
        packages=("ipvsadm",),
        files=files(node, plan),
        sysctls=SYSCTLS,
        units=(Unit(name=UNIT),),
        lvs=True,
    )


def configure(site: Site) -> None:
    """Files; then the module, without which its settings do not exist."""
    ensure_configured(site)
    operations.module(name=site.named("kernel module ip_vs"), seen=site.seen)


def activate(site: Site) -> None:
    """Settings and unit; then the table, where the kernel had one before."""
    ensure_active(site)
    if site.seen.unit(UNIT).active == "active":
        director = lvs.director_of(site.node)
        operations.table(
            name=site.named("virtual services in the kernel"),
            wanted=lvs.table(director),
            probed=lvs.probed(director),
            seen=site.seen,
        )


def checks(node: NodePlan, plan: DeployPlan) -> tuple[Check, ...]:
    """What ``pairwise verify`` tries."""
    del plan
    services = [
        Check(
            name=f"lvs: service {service.name} is in the kernel's table",
            command=f"ipvsadm -Ln {lvs.key_of(service)} >/dev/null",
            failure=f"{node.name} would not answer for {service.vip}:{service.port}.",
        )
        for service in lvs.director_of(node).services
    ]
    daemons = [
        Check(
            name=f"lvs: the daemon {kind} exchanges connections",
            command=f"ipvsadm -Ln --daemon | grep -q '^{kind} '",
            failure=f"Connections that are made now end when the VIP leaves or enters {node.name}.",
        )
        for kind in ("master", "backup")
    ]
    return (is_active(NAME, UNIT), is_enabled(NAME, UNIT), *services, *daemons)
