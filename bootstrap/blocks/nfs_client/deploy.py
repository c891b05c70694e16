"""A machine that mounts a pair's export, through the VIP, when somebody looks; first, itself.

Needs: node.mounts; the pair's NFS group, which may be away when the machine boots.
Ensures: an automount unit, enabled, and its mount unit, started by it alone; a look at it after
    each boot, for which nobody waits.
Restart: never: a changed mount takes effect with the next mount; what is mounted stays.
Pair order: none.
Verify: the automount and the look are active. Checkers: systemd-analyze.
Fails when: the export is away: the boot goes on, whoever looks waits.
Refs: nfs(5), systemd.automount(5), document 002.

Replaced from document 002: ``soft,intr`` -> hard: a soft mount loses writes in a take-over.
fstab -> automount: a boot does not wait for a share. Version 3 or 4 by luck -> what its pair says.
With version 3 this machine runs rpcbind and statd too, on fixed ports: the server calls back.
"""

from __future__ import annotations

from bootstrap.checks import Check, is_active, is_enabled
from bootstrap.managed import Boot, ManagedFile, Manifest, Unit
from bootstrap.render import render
from bootstrap.shared import nfs3
from bootstrap.shared.systemd import check_unit
from stacks.model_data import NfsVersion
from stacks.plan_nfs_types import NfsMount
from stacks.plan_types import DeployPlan, NodePlan

NAME = "nfs_client"
CONFIG = "/etc/nfs.conf.d/pairwise.conf"


def files(node: NodePlan, plan: DeployPlan) -> tuple[ManagedFile, ...]:
    """Every file of the block, in the order in which they are written."""
    mounts = tuple(
        ManagedFile(
            path=f"/etc/systemd/system/{unit_of(mount, kind)}",
            content=render(
                f"blocks/nfs_client/templates/files.{kind}.j2", stack=plan.stack, mount=mount
            ),
            # The automount's own mount comes before it, or there is nothing to verify it with.
            check=check_unit(unit_of(mount, kind)) if kind == "mount" else "",
        )
        for mount in node.mounts
        for kind in ("mount", "automount")
    )
    looks = tuple(
        ManagedFile(
            path=f"/etc/systemd/system/{look_of(mount)}",
            content=render(
                "blocks/nfs_client/templates/look.service.j2",
                stack=plan.stack,
                mount=mount,
                automount=unit_of(mount, "automount"),
            ),
            check=check_unit(look_of(mount)),
        )
        for mount in node.mounts
    )
    return (*(file for mount in _old(node) for file in _locking(mount, plan)), *mounts, *looks)


def _old(node: NodePlan) -> tuple[NfsMount, ...]:
    """Mounts of version 3: one at most, a machine has one statd."""
    return tuple(mount for mount in node.mounts if mount.version is NfsVersion.V3)[:1]


def _locking(mount: NfsMount, plan: DeployPlan) -> tuple[ManagedFile, ...]:
    text = render("blocks/nfs_client/templates/nfs.conf.j2", stack=plan.stack, mount=mount)
    return (
        nfs3.lockd_file(plan.stack, port=mount.lockd_port),
        ManagedFile(path=CONFIG, content=text),
    )


def unit_of(mount: NfsMount, kind: str) -> str:
    """The unit of a mount point."""
    return f"{_escaped(mount)}.{kind}"


def look_of(mount: NfsMount) -> str:
    """The service that looks at it first."""
    return f"pairwise-look-{_escaped(mount)}.service"


def _escaped(mount: NfsMount) -> str:
    """As systemd.unit(5) has it: slashes become hyphens, hyphens are escaped."""
    return mount.mount_point.strip("/").replace("-", "\\x2d").replace("/", "-")


def manifest(node: NodePlan, plan: DeployPlan) -> Manifest:
    """All that the block owns on a node."""
    return Manifest(
        block=NAME,
        packages=("nfs-common",),
        files=files(node, plan),
        units=(
            # Before the first mount: it asks rpcbind and needs statd.
            *(unit for _ in _old(node) for unit in (*nfs3.RPCBIND, nfs3.client_statd(CONFIG))),
            *(
                unit
                for mount in node.mounts
                for unit in (
                    Unit(name=unit_of(mount, "mount"), boot=Boot.STATIC, running=None),
                    Unit(name=unit_of(mount, "automount")),
                    Unit(name=look_of(mount)),
                )
            ),
        ),
    )


def checks(node: NodePlan, plan: DeployPlan) -> tuple[Check, ...]:
    """What ``pairwise verify`` tries."""
    del plan
    return tuple(
        check
        for mount in node.mounts
        for unit in (unit_of(mount, "automount"), look_of(mount))
        for check in (is_active(NAME, unit), is_enabled(NAME, unit))
    )
