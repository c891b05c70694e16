"""The image that machines start from, as a volume that their root disks lie over.

Creates: one libvirt volume, uploaded once for each hypervisor and content.
Args: ``stack``, the stack's name; ``connection``, the hypervisor; ``image``, where the content is.
Outputs: ``volume_id``, the volume's key.
Replaces on: another content (``image.key``); every machine is then replaced too.
Protects: nothing: it is a copy.
"""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from components import _libvirt
from components.settings import Image

KEY_LENGTH = 12
"""Characters of the image's key in the volume's name: 48 bits of a hash."""


@dataclass(frozen=True, kw_only=True)
class BaseImageArgs:
    """What a base image is made from."""

    stack: str
    """Name of the stack; two stacks on one hypervisor have a copy each."""
    connection: _libvirt.Connection
    """The hypervisor."""
    image: Image
    """Where the content is."""


class BaseImage(pulumi.ComponentResource):
    """One image on one hypervisor."""

    volume_id: pulumi.Output[str]
    """Key of the libvirt volume."""

    def __init__(
        self, name: str, args: BaseImageArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("pairwise:index:BaseImage", name, {}, opts)
        self.volume_id = _libvirt.base_volume(
            f"{name}-volume",
            volume=f"{args.stack}-base-{args.image.key[:KEY_LENGTH]}.qcow2",
            on=args.connection,
            source=args.image.disk,
            parent=self,
        )
        self.register_outputs({"volume_id": self.volume_id})
