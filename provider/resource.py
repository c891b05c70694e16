"""What every resource of this provider offers to the server."""

from typing import Protocol

from google.protobuf import struct_pb2
from pulumi.runtime.proto import provider_pb2


class InitFailedError(Exception):
    """The resource exists in part: the engine records it, and the next `up` goes on with it."""

    def __init__(
        self, reasons: list[str], *, identifier: str, properties: struct_pb2.Struct
    ) -> None:
        """Keep what the engine records; `reasons` is one sentence per host."""
        super().__init__("; ".join(reasons))
        self.reasons = reasons
        self.identifier = identifier
        self.properties = properties


class Resource(Protocol):
    """One resource type. The structs are the engine's: secrets and unknown values marked."""

    async def check(self, request: provider_pb2.CheckRequest) -> provider_pb2.CheckResponse:
        """Return the inputs to be recorded, or what is wrong with them."""

    async def diff(self, request: provider_pb2.DiffRequest) -> provider_pb2.DiffResponse:
        """Return what an update would change."""

    async def create(self, request: provider_pb2.CreateRequest) -> provider_pb2.CreateResponse:
        """Make the resource."""

    async def update(self, request: provider_pb2.UpdateRequest) -> provider_pb2.UpdateResponse:
        """Change the resource."""


def failures(*problems: tuple[str, str]) -> provider_pb2.CheckResponse:
    """Return a failed check: (property, reason) each."""
    return provider_pb2.CheckResponse(
        failures=[provider_pb2.CheckFailure(property=key, reason=why) for key, why in problems]
    )


def no_change() -> provider_pb2.DiffResponse:
    """Return that an update would change nothing."""
    return provider_pb2.DiffResponse(
        changes=provider_pb2.DiffResponse.DIFF_NONE, hasDetailedDiff=True
    )
