"""DRBD resources: metadata, attachment, first data. Nothing here writes over what is there."""

from __future__ import annotations

from collections.abc import Generator

from pyinfra.api.command import StringCommand
from pyinfra.api.exceptions import OperationError
from pyinfra.api.operation import operation
from pyinfra.context import host

from bootstrap.changes import explain
from bootstrap.facts.disks import WHOLE_MIB
from bootstrap.facts.node import Seen
from bootstrap.operations.units import ACTIVE


@operation()
def metadata(
    resource: str,
    disk: str,
    size_mib: int,
    *,
    allowed: bool,
    seen: Seen,
    meta_disk: str = "",
    meta_mib: int = 0,
) -> Generator[StringCommand, None, None]:
    """Make a disk hold DRBD's metadata, if it is proven empty.

    + resource: name.
    + disk: its backing disk on this node.
    + size_mib: size that the plan gives it.
    + meta_disk: the metadata's own disk; empty: it is at the end of the backing disk.
    + meta_mib: size that the plan gives that.
    + allowed: the plan's flag: may disks be made ready at all.
    + seen: what is so on the node.
    """
    wanted = {disk: size_mib, **({meta_disk: meta_mib} if meta_disk else {})}
    missing = [path for path in wanted if path not in seen.disks]
    if missing:
        if not seen.files:
            # A machine about which nothing is known yet: a preview of a new stack.
            explain(f"metadata is made on {meta_disk or disk}, if it is empty")
            yield StringCommand(f"drbdadm create-md {resource}")
            return
        raise OperationError(
            f"{missing[0]} of resource {resource} is not there: attach it to the machine."
        )
    for path, mib in wanted.items():
        if seen.disks[path].size_mib != mib:
            raise OperationError(
                f"{path} of resource {resource} has {seen.disks[path].size_mib} MiB instead of"
                f" {mib}: both nodes need the same size; replace the volume."
            )
    home = meta_disk or disk
    if not seen.disks[home].empty:
        host.noop(f"{home} is in use")
        return
    if not seen.disks[disk].empty:
        raise OperationError(
            f"{home} of resource {resource} is empty and {disk} is not: its metadata are lost or"
            " were somewhere else, and new ones could serve old data; replace both volumes of this"
            " node, and its peer copies them."
        )
    if not allowed:
        raise OperationError(
            f"{home} of resource {resource} is empty, and the plan does not allow to make it ready."
        )
    explain(f"{home} is empty; DRBD's metadata is made on it")
    # An answer to no question is needed on an empty disk; where there is one, it ends here.
    yield StringCommand(f"drbdadm create-md {resource} </dev/null")


@operation()
def attached(unit: str, *, seen: Seen) -> Generator[StringCommand, None, None]:
    """Make all resources be attached and connect.

    + unit: the unit that does it.
    + seen: what is so on the node.
    """
    if seen.unit(unit).active in ACTIVE:
        host.noop(f"{unit} runs")
        return
    explain(f"{unit} is {seen.unit(unit).active}; the resources are attached, Secondary")
    yield StringCommand(
        f"systemd-tmpfiles --create /etc/tmpfiles.d/pairwise.conf && systemctl daemon-reload"
        f" && systemctl start {unit}"
    )


@operation()
def first_data(
    resource: str, disk: str, size_mib: int, mount_point: str, script: str, *, seen: Seen
) -> Generator[StringCommand, None, None]:
    """Make a new resource hold a file system with its first data.

    + resource: name.
    + disk: its backing disk on this node.
    + size_mib: size that the plan gives it; above WHOLE_MIB its peer copies it whole.
    + mount_point: where it is mounted meanwhile.
    + script: the program that does it; it decides by what it finds on both nodes.
    + seen: what is so on the node.
    """
    found = seen.disks.get(disk)
    if found is not None and found.finished:
        host.noop(f"{resource} holds its data")
        return
    same = size_mib <= WHOLE_MIB
    copied = "" if same else "; the peer copies all of the disk, which was not read whole"
    explain(f"{resource} holds no file system here; it is made, unless the peer holds data{copied}")
    yield StringCommand(f"{script} {resource} {mount_point} {'same' if same else 'sync'}")
