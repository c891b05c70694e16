"""An NFS server on a replicated disk; its files and its clients' records move together.

Needs: node.data.nfs; blocks drbd and heartbeat, which mount the disk and start the daemons.
Ensures: exports to the planned clients, grace and lease, client records on the replicated disk, no
    start without its mount; units that nothing but Heartbeat starts.
Restart: never. Exports are read by ``exportfs -r`` where the server runs; lease, versions and
    threads with the next start (a switchover).
Pair order: any.
Verify: exports and units' states at boot. Checkers: exportfs has no dry run.
Fails when: the mount is missing: the start is refused in words.
Refs: nfs.conf(5), exports(5), nfsd(7), nfsdcld(8), document 002.

Kept from document 002: sync, one export, the daemon under Heartbeat's control.

Replaced knowingly: no_root_squash to a whole subnet -> the clients' addresses, root_squash. pkill
-9 -> units in order. nfsdcld's records on the node's own disk -> beside the files: without them
no client may reclaim its locks after a take-over. The kernel's grace of 90 s -> 15. fsid by device
-> fixed, and the root of version 4: no stale handle. rpcbind and statd -> masked, version 4 asks
neither.

With ``version: 3`` statd's records lie on the replicated disk in nfsdcld's stead, who holds locks
is told of a take-over by sm-notify, from the VIP and after it; rpcbind runs, all ports are fixed.
statd has one uid on both nodes, which one image gives it.
"""

from __future__ import annotations

from bootstrap.checks import Check
from bootstrap.managed import Boot, ManagedFile, Manifest, Unit
from bootstrap.operations import nfs as operations
from bootstrap.render import render
from bootstrap.shared import nfs3, pairs
from bootstrap.shared.systemd import CHECK_DROP_IN, check_unit
from bootstrap.site import Site, ensure_active
from stacks.model_data import NfsVersion
from stacks.plan_data_types import ServiceGroup
from stacks.plan_nfs_types import NfsPlan
from stacks.plan_types import DeployPlan, NodePlan

NAME = "nfs"
CONFIG = "/etc/nfs.conf.d/pairwise.conf"
EXPORTS = "/etc/exports"
MODULES = "/etc/modules-load.d/pairwise-nfs.conf"
OLD_UNITS = ("rpcbind.socket", "rpcbind.service", nfs3.STATD, nfs3.AT_BOOT)
"""Of NFS version 3: nfs-server.service would pull them in."""
KERBEROS_UNITS = (
    "auth-rpcgss-module.service",
    "nfs-idmapd.service",
    "rpc-gssd.service",
    "rpc-svcgssd.service",
)
"""nfs-server.service pulls them in, in each take-over: exports are sec=sys, where the kernel sends
numbers for names by itself (nfs4_disable_idmapping, which is on)."""
NEW_UNITS = ("nfsdcld.service",)
"""The same the other way round."""


def files(node: NodePlan, plan: DeployPlan) -> tuple[ManagedFile, ...]:
    """Every file of the block, in the order in which they are written."""
    nfs, group = _own(node)

    def text(template: str) -> str:
        return render(f"blocks/nfs/templates/{template}.j2", stack=plan.stack, nfs=nfs)

    drop_ins = (
        ManagedFile(
            path=f"/etc/systemd/system/{unit}.d/pairwise.conf",
            content=text("unit.d.conf"),
            check=CHECK_DROP_IN,
        )
        for unit in group.units
    )
    notify = (
        ManagedFile(
            path=f"/etc/systemd/system/{unit}",
            content=text("notify.service"),
            check=check_unit(unit),
        )
        for unit in group.after_vip
    )
    lockd = (
        (nfs3.lockd_file(plan.stack, port=nfs.lockd_port, grace_s=nfs.lease_s),)
        if nfs.version is NfsVersion.V3
        else ()
    )
    return (
        ManagedFile(
            path=f"{pairs.FIRST_DATA_HOOKS}/{group.on_disk.resource}",
            content=text("first-data"),
            mode=0o755,
            check="sh -n %s",
        ),
        *drop_ins,
        *notify,
        *lockd,
        ManagedFile(path=MODULES, content=text("modules-load.conf")),
        ManagedFile(path=CONFIG, content=text("nfs.conf"), effect=pairs.NEEDS_SWITCHOVER),
        ManagedFile(path=EXPORTS, content=text("exports")),
    )


def manifest(node: NodePlan, plan: DeployPlan) -> Manifest:
    """All that the block owns on a node."""
    nfs, group = _own(node)
    old = nfs.version is NfsVersion.V3
    masked = (*NEW_UNITS, nfs3.AT_BOOT) if old else OLD_UNITS
    return Manifest(
        block=NAME,
        packages=("nfs-kernel-server",),
        files=files(node, plan),
        units=(
            *(Unit(name=name, boot=Boot.MASKED) for name in (*masked, *KERBEROS_UNITS)),
            *(nfs3.RPCBIND if old else ()),
            Unit(name="nfs-server.service", boot=Boot.DISABLED, running=None),
            *(
                Unit(name=name, boot=Boot.STATIC, running=None)
                for name in (*group.units, *group.after_vip)
                if name != "nfs-server.service"
            ),
        ),
    )


def activate(site: Site) -> None:
    """Units; then the exports, where the server runs."""
    ensure_active(site)
    operations.exported(
        name=site.named("exports of the running server"),
        file=next(file for file in site.manifest.files if file.path == EXPORTS),
        unit="nfs-server.service",
        seen=site.seen,
    )


def checks(node: NodePlan, plan: DeployPlan) -> tuple[Check, ...]:
    """What ``pairwise verify`` tries."""
    _own(node)
    return (
        Check(
            name="nfs: nothing but Heartbeat starts the server",
            command='test "$(systemctl is-enabled nfs-server.service)" = disabled',
            failure=f"nfs-server would start by itself on {node.name}: `pairwise up {plan.stack}`.",
        ),
    )


def _own(node: NodePlan) -> tuple[NfsPlan, ServiceGroup]:
    if node.data is None or node.data.nfs is None:
        raise ValueError(f"Node {node.name} has role nfs and no NFS server in its plan.")
    return node.data.nfs, node.data.group("nfs")
