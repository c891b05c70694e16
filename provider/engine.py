"""Log lines to the Pulumi engine: they appear under the resource that they belong to."""

from typing import Final

import grpc.aio
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc

DEBUG: Final = engine_pb2.DEBUG
INFO: Final = engine_pb2.INFO
WARNING: Final = engine_pb2.WARNING
ERROR: Final = engine_pb2.ERROR


class EngineLog:
    """The engine's log, over its gRPC address."""

    def __init__(self, address: str) -> None:
        """Prepare the connection; inside the event loop."""
        self._stub = engine_pb2_grpc.EngineStub(grpc.aio.insecure_channel(address))

    async def write(
        self, text: str, *, urn: str, severity: "engine_pb2.LogSeverity.ValueType" = INFO
    ) -> None:
        """Write one line that stays."""
        await self._send(text, urn=urn, severity=severity, ephemeral=False)

    async def status(self, text: str, *, urn: str) -> None:
        """Show a line beside the resource until the next one."""
        await self._send(text, urn=urn, severity=INFO, ephemeral=True)

    async def _send(
        self,
        text: str,
        *,
        urn: str,
        severity: "engine_pb2.LogSeverity.ValueType",
        ephemeral: bool,
    ) -> None:
        request = engine_pb2.LogRequest(
            severity=severity, message=text, urn=urn, ephemeral=ephemeral
        )
        try:
            await self._stub.Log(request)
        except grpc.aio.AioRpcError:
            # The engine is going away; the run ends with it and has nobody left to tell.
            return
