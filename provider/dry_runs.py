"""Dry runs of Deploys: started together, one child each, awaited by each Deploy's own check."""

import asyncio
from collections.abc import Mapping
from typing import Any

from provider import limits, spec
from provider.engine import DEBUG, WARNING, EngineLog
from provider.pending import Pending, digests, of_result, unknown, unread
from provider.results import Results
from provider.runner import ChildError, Runner


class DryRuns:
    """The dry runs of this provider process, by the hash of their inputs."""

    def __init__(self, runner: Runner, log: EngineLog, results: Results) -> None:
        """Begin with none."""
        self._runner = runner
        self._log = log
        self._results = results
        self._tasks: dict[str, asyncio.Task[Pending]] = {}

    def start(
        self, deploy: Any, *, dry_run: bool, urn: str, mask: Mapping[str, str]
    ) -> asyncio.Task[Pending]:
        """Return the dry run of a spec, started now unless it runs already or has run.

        Args:
            deploy: decoded DeploySpec. dry_run: whether this is a preview. urn: whose log lines.
            mask: further secret values to hide.
        """
        key = spec.fingerprint(deploy)
        if key not in self._tasks:
            work = self._pending(deploy, key=key, dry_run=dry_run, urn=urn, mask=mask)
            self._tasks[key] = asyncio.create_task(work)
        return self._tasks[key]

    def forget(self, deploy: Any) -> None:
        """Drop the dry run of a spec that is being applied."""
        key = spec.fingerprint(deploy)
        self._tasks.pop(key, None)
        self._results.forget(key)

    async def _pending(
        self, deploy: Any, *, key: str, dry_run: bool, urn: str, mask: Mapping[str, str]
    ) -> Pending:
        if not spec.is_plannable(deploy):
            return unknown(spec.host_names(deploy) or ["every host"])
        found = None if dry_run else self._results.find(key)
        if found is not None:
            return found
        pending = await self._run(deploy, urn=urn, mask=mask)
        if dry_run:
            self._results.keep(key, pending)
            return pending
        return digests(pending)

    async def _run(
        self, deploy: Mapping[str, Any], *, urn: str, mask: Mapping[str, str]
    ) -> Pending:
        async def listen(event: dict[str, Any]) -> None:
            text = str(event.get("text", ""))
            where = f"{event['host']}: " if event.get("host") else ""
            if event.get("event") == "log":
                await self._log.write(where + text, urn=urn, severity=WARNING)
            elif event.get("event") == "status":
                await self._log.status(where + text, urn=urn)
            else:
                await self._log.write(where + text, urn=urn, severity=DEBUG)

        request = spec.request(deploy, mode="plan", mask=mask)
        try:
            result = await self._runner.run(
                request, deadline_s=limits.seconds(limits.PLAN_S), listener=listen
            )
        except ChildError as error:
            # A preview says what it could not see; it does not fail for that.
            await self._log.write(str(error), urn=urn, severity=WARNING)
            return unread(spec.host_names(deploy), reason=str(error))
        await self._tell(result, urn=urn)
        return of_result(result)

    async def _tell(self, result: Mapping[str, Any], *, urn: str) -> None:
        for name, host in sorted(result["hosts"].items()):
            if host["state"] == "unreachable":
                text = f"{name} is not reachable yet ({host['reason']}): every operation is listed"
                await self._log.write(f"{text} as to be created", urn=urn)
            elif host.get("error"):
                await self._log.write(str(host["error"]), urn=urn, severity=WARNING)
