"""Password and SshKey: secrets that are made once and never change."""

import secrets
import string
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from google.protobuf import struct_pb2
from pulumi.runtime.proto import provider_pb2
from typing_extensions import override

from provider.resource import failures, no_change
from provider.values import UNKNOWN, Secret, decode_struct, edited

ALPHABET: Final = string.ascii_letters + string.digits
"""No character that a configuration file or a shell could read as something else."""

MIN_LENGTH: Final = 8
"""VRRP's authentication takes exactly eight; less is a guess away."""

MAX_LENGTH: Final = 256
"""Longer ones serve nothing and break fixed-size fields."""


class Once:
    """A resource that is made once: no diff, no update."""

    async def diff(self, request: provider_pb2.DiffRequest) -> provider_pb2.DiffResponse:
        """Return no change, whatever the inputs are now."""
        del request
        return no_change()

    async def update(self, request: provider_pb2.UpdateRequest) -> provider_pb2.UpdateResponse:
        """Return the recorded values; the engine has no reason to call this."""
        return provider_pb2.UpdateResponse(properties=request.olds)

    async def create(self, request: provider_pb2.CreateRequest) -> provider_pb2.CreateResponse:
        """Make the values; in a preview they are unknown."""
        identifier = request.urn.rsplit("::", 1)[-1]
        made = self._make(decode_struct(request.properties), preview=request.preview)
        properties = edited(request.properties, put=made)
        return provider_pb2.CreateResponse(
            id="" if request.preview else identifier, properties=properties
        )

    def _make(self, inputs: dict[str, Any], *, preview: bool) -> dict[str, Any]:
        raise NotImplementedError


class Password(Once):
    """A random password: `length` -> `result`."""

    async def check(self, request: provider_pb2.CheckRequest) -> provider_pb2.CheckResponse:
        """Accept a length within the limits."""
        length = decode_struct(request.news).get("length")
        if not isinstance(length, int) or not MIN_LENGTH <= length <= MAX_LENGTH:
            reason = f"give a number from {MIN_LENGTH} to {MAX_LENGTH}"
            return failures(("length", reason))
        return provider_pb2.CheckResponse(inputs=_copy(request.news))

    @override
    def _make(self, inputs: dict[str, Any], *, preview: bool) -> dict[str, Any]:
        if preview:
            return {"result": Secret(UNKNOWN)}
        text = "".join(secrets.choice(ALPHABET) for _ in range(inputs["length"]))
        return {"result": Secret(text)}


class SshKey(Once):
    """An ed25519 key pair in OpenSSH's form: `comment` -> `private_key`, `public_key`."""

    async def check(self, request: provider_pb2.CheckRequest) -> provider_pb2.CheckResponse:
        """Accept a comment of one line."""
        comment = decode_struct(request.news).get("comment", "")
        if not isinstance(comment, str) or "\n" in comment:
            return failures(("comment", "comment is no single line: give one without line breaks"))
        return provider_pb2.CheckResponse(inputs=_copy(request.news))

    @override
    def _make(self, inputs: dict[str, Any], *, preview: bool) -> dict[str, Any]:
        if preview:
            return {"private_key": Secret(UNKNOWN), "public_key": UNKNOWN}
        key = Ed25519PrivateKey.generate()
        private = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()
        public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
        return {
            "private_key": Secret(private),
            "public_key": f"{public} {inputs.get('comment', '')}".strip(),
        }


def _copy(struct: struct_pb2.Struct) -> struct_pb2.Struct:
    return edited(struct)
