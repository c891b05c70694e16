"""What follows for an NFS server and its clients from a checked description."""

from __future__ import annotations

from stacks.addressing import LOCKD_PORT, MOUNTD_PORT, STATD_PORT
from stacks.members import addresses, by_id, clients_of, member_name
from stacks.model import Pair, Stack, Tier
from stacks.model_data import FILES_MOUNT, Nfs, NfsVersion
from stacks.plan_nfs_types import NfsMount, NfsPlan


def nfs_mounts(stack: Stack, member: Pair | Tier) -> tuple[NfsMount, ...]:
    """The exports that a node mounts."""
    client = member.client if isinstance(member, Tier) else None
    if client is not None:
        return (_mount(stack, client.files, client.mount),)
    if member.web is not None and member.web.files is not None:
        return (_mount(stack, member.web.files, FILES_MOUNT),)
    return ()


def nfs_plan(stack: Stack, pair: Pair) -> NfsPlan | None:
    """The server on a node of a pair; none where it has none."""
    if pair.nfs is None:
        return None
    mount_point = f"/srv/{pair.nfs.disk}"
    network = pair.vips[pair.nfs.vip].network
    return NfsPlan(
        version=pair.nfs.version,
        vip=pair.vips[pair.nfs.vip].address,
        statd_port=STATD_PORT,
        lockd_port=LOCKD_PORT,
        mountd_port=MOUNTD_PORT,
        export=_export(pair.nfs),
        state=f"{mount_point}/state",
        mount_point=mount_point,
        fsid=1 if pair.nfs.version is NfsVersion.V3 else 0,
        clients=addresses(stack, clients_of(stack, member_name(stack, pair), "files"), network),
        root_squash=pair.nfs.root_squash,
        lease_s=pair.nfs.lease_s,
        threads=pair.nfs.threads,
    )


def _mount(stack: Stack, pair_name: str, mount_point: str) -> NfsMount:
    pair = stack.pairs[pair_name]
    assert pair.nfs is not None
    vip, old = pair.vips[pair.nfs.vip], pair.nfs.version is NfsVersion.V3
    return NfsMount(
        server=vip.address,
        export=_export(pair.nfs) if old else "/",
        version=pair.nfs.version,
        callers=(vip.address, *addresses(stack, list(by_id(stack, pair)), vip.network)),
        statd_port=STATD_PORT,
        lockd_port=LOCKD_PORT,
        mount_point=mount_point,
    )


def _export(nfs: Nfs) -> str:
    return f"/srv/{nfs.disk}/export"
