"""Deploy and Inventory: the resources whose check looks at the machines.

Check never waits for a machine; create and update do. `diff` shows one key per host and operation.
"""

from collections.abc import Mapping
from typing import Any, Final

from google.protobuf import struct_pb2
from pulumi.runtime.proto import provider_pb2

from provider import limits, pending, spec
from provider.dry_runs import DryRuns
from provider.engine import DEBUG, WARNING, EngineLog
from provider.resource import InitFailedError, failures, no_change
from provider.runner import ChildError, Runner
from provider.secrets import Filter
from provider.values import Unknown, decode_struct, edited, encode_struct

CONSUMED: Final = ("dry_run", "offline")
"""Inputs that say how to look, not what should be: never recorded."""

_KINDS: Final = {
    "add": provider_pb2.PropertyDiff.ADD,
    "delete": provider_pb2.PropertyDiff.DELETE,
    "update": provider_pb2.PropertyDiff.UPDATE,
}


class Inventory:
    """All Deploys of a stack, registered before them: its check starts their dry runs together."""

    def __init__(self, dry_runs: DryRuns) -> None:
        """Share the dry runs with Deploy."""
        self._dry_runs = dry_runs

    async def check(self, request: provider_pb2.CheckRequest) -> provider_pb2.CheckResponse:
        """Start one dry run per Deploy; record nothing but their names."""
        news = decode_struct(request.news)
        given = news.get("specs")
        specs = dict(given) if isinstance(given, Mapping) else {}
        deploys = sorted(specs)
        recorded = decode_struct(request.olds).get("deploys") or []
        dry_run = news.get("dry_run") is True
        for name in [] if news.get("offline") is True else deploys:
            # A Deploy that is not in the state yet is created in any case: no need to look.
            if (dry_run or name in recorded) and not spec.problems(specs[name]):
                self._dry_runs.start(specs[name], dry_run=dry_run, urn=request.urn, mask={})
        return provider_pb2.CheckResponse(inputs=encode_struct({"deploys": deploys}))

    async def diff(self, request: provider_pb2.DiffRequest) -> provider_pb2.DiffResponse:
        """Return no change: the Deploys say what changes."""
        del request
        return no_change()

    async def create(self, request: provider_pb2.CreateRequest) -> provider_pb2.CreateResponse:
        """Do nothing."""
        return provider_pb2.CreateResponse(
            id="" if request.preview else "inventory", properties=struct_pb2.Struct()
        )

    async def update(self, request: provider_pb2.UpdateRequest) -> provider_pb2.UpdateResponse:
        """Do nothing."""
        del request
        return provider_pb2.UpdateResponse(properties=struct_pb2.Struct())


class Deploy:
    """A set of hosts and the deploys of all their roles."""

    def __init__(self, runner: Runner, log: EngineLog, dry_runs: DryRuns) -> None:
        """Use the provider's children, log and dry runs."""
        self._runner = runner
        self._log = log
        self._dry_runs = dry_runs

    async def check(self, request: provider_pb2.CheckRequest) -> provider_pb2.CheckResponse:
        """Look at the machines and record what would change as the input `pending`."""
        news, olds = decode_struct(request.news), decode_struct(request.olds)
        deploy = news.get("spec")
        wrong = spec.problems(deploy)
        if wrong:
            return failures(*(("spec", problem) for problem in wrong))
        if news.get("offline") is True:
            return provider_pb2.CheckResponse(inputs=edited(request.news, drop=CONSUMED))
        dry_run = news.get("dry_run") is True
        found: pending.Pending = {}
        if dry_run or olds:
            mask = spec.mask(olds.get("spec"))
            task = self._dry_runs.start(deploy, dry_run=dry_run, urn=request.urn, mask=mask)
            # The Inventory may have started it, which does not know the recorded secrets.
            found = Filter(mask).tree(await task)
        return provider_pb2.CheckResponse(
            inputs=edited(request.news, drop=CONSUMED, put={"pending": pending.shown(found)})
        )

    async def diff(self, request: provider_pb2.DiffRequest) -> provider_pb2.DiffResponse:
        """Return one key per host and operation; without a look at the machines, per property."""
        news, olds = decode_struct(request.news), decode_struct(request.old_inputs)
        found = news.get("pending")
        if isinstance(found, Mapping):
            kinds = dict.fromkeys(pending.keys(found), "add")
            replaced = pending.changed_identities(olds.get("spec"), news.get("spec"))
            kinds |= dict.fromkeys(replaced, "update")
        else:
            kinds = pending.structural(olds.get("spec"), news.get("spec"))
        if not kinds:
            return no_change()
        detailed = {
            path: provider_pb2.PropertyDiff(kind=_KINDS[kind], inputDiff=True)
            for path, kind in kinds.items()
        }
        return provider_pb2.DiffResponse(
            changes=provider_pb2.DiffResponse.DIFF_SOME,
            diffs=sorted({path.split("[")[0] for path in detailed}),
            detailedDiff=detailed,
            hasDetailedDiff=True,
        )

    async def create(self, request: provider_pb2.CreateRequest) -> provider_pb2.CreateResponse:
        """Configure the hosts."""
        if request.preview:
            return provider_pb2.CreateResponse(id="", properties=struct_pb2.Struct())
        deploy = decode_struct(request.properties)["spec"]
        identifier = f"{deploy['stack']}-{deploy['name']}"
        properties = await self._apply(
            deploy, urn=request.urn, identifier=identifier, timeout_s=request.timeout, mask={}
        )
        return provider_pb2.CreateResponse(id=identifier, properties=properties)

    async def update(self, request: provider_pb2.UpdateRequest) -> provider_pb2.UpdateResponse:
        """Configure the hosts again."""
        if request.preview:
            return provider_pb2.UpdateResponse(properties=request.olds)
        deploy = decode_struct(request.news)["spec"]
        properties = await self._apply(
            deploy,
            urn=request.urn,
            identifier=request.id,
            timeout_s=request.timeout,
            mask=spec.mask(decode_struct(request.old_inputs).get("spec")),
        )
        return provider_pb2.UpdateResponse(properties=properties)

    async def _apply(
        self,
        deploy: Mapping[str, Any],
        *,
        urn: str,
        identifier: str,
        timeout_s: float,
        mask: Mapping[str, str],
    ) -> struct_pb2.Struct:
        """Run the child in apply mode and return the outputs.

        Raises:
            InitFailedError: with one sentence per host.
        """
        if isinstance(deploy, Unknown):
            raise ValueError("the spec is unknown while applying: this is a mistake of the program")
        properties = encode_struct(spec.outputs(deploy))
        request = spec.request(deploy, mode="apply", mask=mask)
        request["spec"]["transport"].setdefault("ssh_wait_s", limits.seconds(limits.SSH_WAIT_S))
        try:
            result = await self._runner.run(
                request,
                deadline_s=timeout_s or limits.seconds(limits.APPLY_S),
                listener=lambda event: self._tell(event, urn=urn),
            )
        except ChildError as error:
            raise InitFailedError(
                [str(error)], identifier=identifier, properties=properties
            ) from error
        finally:
            self._dry_runs.forget(deploy)
        errors = [host["error"] for host in result["hosts"].values() if host.get("error")]
        if errors:
            raise InitFailedError(errors, identifier=identifier, properties=properties)
        return properties

    async def _tell(self, event: Mapping[str, Any], *, urn: str) -> None:
        """Show a child's event as a line of the Pulumi log."""
        where, text = f"{event.get('host', '')}: ", str(event.get("text", ""))
        if event["event"] == "operation":
            line = f"{where}{event['operation']}: {event['status']}"
            await self._log.write(line, urn=urn)
        elif event["event"] == "status":
            await self._log.status(where + text, urn=urn)
        elif event["event"] == "log":
            await self._log.write(text, urn=urn, severity=WARNING)
        else:
            await self._log.write(text, urn=urn, severity=DEBUG)
