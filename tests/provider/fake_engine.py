"""Stand-ins for the engine's log and for the children, in tests without either."""

from collections.abc import Mapping
from typing import Any

from typing_extensions import override

from provider.engine import EngineLog
from provider.runner import ChildError, Listener, Runner


class FakeLog(EngineLog):
    """Keeps the lines."""

    def __init__(self) -> None:
        """Connect to nothing."""
        self.lines: list[str] = []

    @override
    async def _send(self, text: str, *, urn: str, severity: Any, ephemeral: bool) -> None:
        del urn, severity
        self.lines.append(f"status: {text}" if ephemeral else text)


class FakeRunner(Runner):
    """Answers with given results and keeps the requests."""

    def __init__(self, hosts: Mapping[str, Any], *, error: str = "") -> None:
        """Answer with `hosts`, or fail with `error`."""
        super().__init__()
        self.requests: list[Mapping[str, Any]] = []
        self.hosts = hosts
        self.error = error

    @override
    async def run(
        self, request: Mapping[str, Any], *, deadline_s: float, listener: Listener
    ) -> dict[str, Any]:
        self.requests.append(request)
        await listener({"event": "operation", "host": "lb1", "operation": "a", "status": "changed"})
        if self.error:
            raise ChildError(self.error)
        return {"hosts": self.hosts, "seconds": 0.1}
