"""Removes what an interrupted ``up`` left on a hypervisor, right before the same thing is made.

When the engine is killed while libvirt makes a machine, a network or a CD, the thing exists but
no state knows it, and libvirt refuses a second one of the same name. Names carry the stack's, so
whatever bears the name of a thing that the engine is about to create is such a stray. Data
volumes are never touched: the provider takes an existing one as it is, with what is on it.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable

import pulumi

from components.settings import Place

VIRSH_TIMEOUT_S = 60
"""Bound of one virsh call: destroying a machine on a starved hypervisor takes seconds."""

Hook = Callable[[pulumi.ResourceHookArgs], Awaitable[None]]


def removal_of_domains(place: Place) -> Hook:
    """A hook that removes a machine of the name that is about to be created."""

    async def remove(args: pulumi.ResourceHookArgs) -> None:
        name = _name(args)
        await _virsh(place, "destroy", name)
        await _virsh(place, "undefine", name, "--managed-save", "--snapshots-metadata", "--nvram")

    return remove


def removal_of_networks(place: Place) -> Hook:
    """A hook that removes a network of the name that is about to be created."""

    async def remove(args: pulumi.ResourceHookArgs) -> None:
        name = _name(args)
        await _virsh(place, "net-destroy", name)
        await _virsh(place, "net-undefine", name)

    return remove


def removal_of_volumes(place: Place) -> Hook:
    """A hook that removes a volume of the name that is about to be created."""

    async def remove(args: pulumi.ResourceHookArgs) -> None:
        await _virsh(place, "vol-delete", _name(args), "--pool", place.pool)

    return remove


def _name(args: pulumi.ResourceHookArgs) -> str:
    inputs = args.new_inputs or {}
    return str(inputs["name"])


async def _virsh(place: Place, *command: str) -> None:
    """Run virsh; that there is nothing to remove is the usual case and no error.

    What really stands in the way is reported by the creation that follows, in libvirt's words.
    """
    if shutil.which("virsh") is None:
        return
    process = await asyncio.create_subprocess_exec(
        "virsh",
        "--quiet",
        "--connect",
        place.uri,
        *command,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        await asyncio.wait_for(process.wait(), VIRSH_TIMEOUT_S)
    except TimeoutError:
        process.kill()
        await process.wait()
