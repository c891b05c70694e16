"""The provider's gRPC service.

Written on the generated service class and not on `pulumi.provider.experimental`: that one hands
neither the recorded inputs to diff nor a way to record a half-made resource, and both are needed.
"""

import asyncio
import os
import signal
import sys
from typing import Any, Final, NoReturn

import grpc
import grpc.aio
from google.protobuf import any_pb2, empty_pb2
from pulumi.runtime._grpc_settings import _GRPC_CHANNEL_OPTIONS
from pulumi.runtime.proto import (
    plugin_pb2,
    provider_pb2,
    provider_pb2_grpc,
    status_pb2,
)
from typing_extensions import override

from provider import guard
from provider.certificate import TOKEN as CERTIFICATE
from provider.certificate import Certificate
from provider.deploys import Deploy, Inventory
from provider.dry_runs import DryRuns
from provider.engine import EngineLog
from provider.fence_access import TOKEN as FENCE_ACCESS
from provider.fence_access import FenceAccess
from provider.generated import Password, SshKey
from provider.resource import InitFailedError, Resource
from provider.results import Results, engine_id, prune
from provider.runner import Runner

VERSION: Final = "0.1.0"
"""Version of the plugin that the engine records."""

PACKAGE: Final = "pyinfra"
"""Name of the plugin; the first part of each resource's token."""


class Service(provider_pb2_grpc.ResourceProviderServicer):
    """Answers the engine: one instance per provider process."""

    def __init__(self, runner: Runner, log: EngineLog, *, engine: str) -> None:
        """Make the resources; `engine` names the engine's process (`results.engine_id`)."""
        self._runner = runner
        dry_runs = DryRuns(runner, log, Results(engine))
        self._resources: dict[str, Resource] = {
            f"{PACKAGE}:index:Inventory": Inventory(dry_runs),
            f"{PACKAGE}:index:Deploy": Deploy(runner, log, dry_runs),
            f"{PACKAGE}:index:Password": Password(),
            f"{PACKAGE}:index:SshKey": SshKey(),
            CERTIFICATE: Certificate(),
            FENCE_ACCESS: FenceAccess(),
        }

    async def _resource(self, urn: str, context: Any) -> Resource:
        token = _token(urn)
        resource = self._resources.get(token)
        if resource is None:
            known = ", ".join(sorted(self._resources))
            message = f"'{token}' is no resource of this provider: use one of {known}"
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, message)
            raise AssertionError("abort raises")
        return resource

    # The names of the methods are those of the protocol.

    @override
    async def GetPluginInfo(self, _: Any, __: Any) -> plugin_pb2.PluginInfo:
        """Return the version."""
        return plugin_pb2.PluginInfo(version=VERSION)

    @override
    async def GetSchema(self, _: Any, __: Any) -> provider_pb2.GetSchemaResponse:
        """Return the smallest schema: the resource classes are written by hand."""
        schema = f'{{"name": "{PACKAGE}", "version": "{VERSION}"}}'
        return provider_pb2.GetSchemaResponse(schema=schema)

    @override
    async def CheckConfig(self, request: Any, _: Any) -> provider_pb2.CheckResponse:
        """Accept any configuration: there is none."""
        return provider_pb2.CheckResponse(inputs=request.news)

    @override
    async def DiffConfig(self, _: Any, __: Any) -> provider_pb2.DiffResponse:
        """Return no change."""
        return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_NONE)

    @override
    async def Configure(self, _: Any, __: Any) -> provider_pb2.ConfigureResponse:
        """Ask for secrets marked as such, and for calls in previews."""
        return provider_pb2.ConfigureResponse(acceptSecrets=True, supportsPreview=True)

    @override
    async def Check(self, request: Any, context: Any) -> provider_pb2.CheckResponse:
        """Check a resource's inputs."""
        return await (await self._resource(request.urn, context)).check(request)

    @override
    async def Diff(self, request: Any, context: Any) -> provider_pb2.DiffResponse:
        """Compare; no resource of this provider is ever replaced."""
        return await (await self._resource(request.urn, context)).diff(request)

    @override
    async def Create(self, request: Any, context: Any) -> provider_pb2.CreateResponse:
        """Make a resource."""
        resource = await self._resource(request.urn, context)
        try:
            return await resource.create(request)
        except InitFailedError as error:
            await _abort(error, context)

    @override
    async def Update(self, request: Any, context: Any) -> provider_pb2.UpdateResponse:
        """Change a resource."""
        resource = await self._resource(request.urn, context)
        try:
            return await resource.update(request)
        except InitFailedError as error:
            await _abort(error, context)

    @override
    async def Delete(self, request: Any, _: Any) -> empty_pb2.Empty:
        """Forget: what was configured goes with its machine; only a FenceAccess lies elsewhere."""
        resource = self._resources.get(_token(request.urn))
        if isinstance(resource, FenceAccess):
            return await resource.delete(request)
        return empty_pb2.Empty()

    @override
    async def Read(self, request: Any, _: Any) -> provider_pb2.ReadResponse:
        """Return the recorded state: the machines are looked at by check, not by refresh."""
        resource = self._resources.get(_token(request.urn))
        if isinstance(resource, FenceAccess):
            return await resource.read(request)
        return provider_pb2.ReadResponse(
            id=request.id, properties=request.properties, inputs=request.inputs
        )

    @override
    async def Cancel(self, _: Any, __: Any) -> empty_pb2.Empty:
        """End all children."""
        await self._runner.cancel()
        return empty_pb2.Empty()


def _token(urn: str) -> str:
    """The resource type that a URN names."""
    return urn.split("::")[-2].split("$")[-1]


async def _abort(error: InitFailedError, context: Any) -> NoReturn:
    """Fail so that the engine records the resource as half-made."""
    detail = any_pb2.Any()
    detail.Pack(
        provider_pb2.ErrorResourceInitFailed(
            id=error.identifier, properties=error.properties, reasons=error.reasons
        )
    )
    code = grpc.StatusCode.UNKNOWN
    status = status_pb2.Status(code=code.value[0], message=str(error), details=[detail])
    metadata = (("grpc-status-details-bin", status.SerializeToString()),)
    await context.abort(code, str(error), metadata)
    raise AssertionError("abort raises")


async def serve(engine_address: str) -> None:
    """Serve until the engine ends; print the port as the engine expects it."""
    runner = Runner()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    # The engine ends its plugins by SIGINT and kills them only five seconds later.
    loop.add_signal_handler(signal.SIGINT, stop.set)
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    guard.watch_parent(stop.set)
    prune()
    server = grpc.aio.server(options=_GRPC_CHANNEL_OPTIONS)
    service = Service(runner, EngineLog(engine_address), engine=engine_id(os.getppid()))
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(service, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    await stop.wait()
    runner.kill()
    await server.stop(grace=None)
