"""The access of a pair's nodes to the fence endpoint of their hypervisor.

Creates: nothing but itself; our provider ``pyinfra`` writes the endpoint's files on this machine.
Args: ``folder``, the endpoint's state folder; ``uri``, its libvirt; ``pair``; ``nodes``.
Outputs: none.
Replaces on: nothing; a changed key or machine is an update, and a lost file is made again.
Protects: nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi


@dataclass(frozen=True, kw_only=True)
class FenceAccessNode:
    """One node that may ask for its peer to be switched off, and be switched off itself."""

    machine: str
    """Name of its libvirt domain."""
    public_key: pulumi.Input[str]
    """The key that it asks with, one line as in authorized_keys; of this node alone."""


class FenceAccess(pulumi.CustomResource):
    """Which nodes may ask the fence endpoint, and about which machines."""

    def __init__(
        self,
        name: str,
        *,
        folder: str,
        uri: str,
        pair: str,
        nodes: Mapping[str, FenceAccessNode],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        properties = {
            "folder": folder,
            "uri": uri,
            "pair": pair,
            "nodes": {
                node: {"machine": access.machine, "public_key": access.public_key}
                for node, access in sorted(nodes.items())
            },
        }
        super().__init__("pyinfra:index:FenceAccess", name, properties, opts)
