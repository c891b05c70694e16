"""Starts and supervises children: input, events, deadline, cancel."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from provider import guard
from provider.secrets import Filter, of_spec

ROOT: Final = Path(__file__).resolve().parents[1]
"""Folder that the packages are imported from."""

TERM_S: Final = 3.0
"""How long a child may take to end after SIGTERM."""

STREAM_LIMIT: Final = 16 * 2**20
"""Bytes of the longest line of a child; a result is one line."""

ENVIRONMENT: Final = ("HOME", "LANG", "LC_ALL", "PATH", "TMPDIR", "TZ")
"""Variables that a child gets; the state's passphrase is not among them."""

CHILD: Final = (sys.executable, "-m", "provider.child")
"""Command that starts a child."""

Listener = Callable[[dict[str, Any]], Awaitable[None]]


class ChildError(Exception):
    """A child gave no result; the message is one sentence."""


class Runner:
    """All children of this provider."""

    def __init__(self, command: Sequence[str] = CHILD) -> None:
        """Begin with none; `command` starts one."""
        self._command = tuple(command)
        self._running: set[asyncio.subprocess.Process] = set()
        self.cancelled = False

    async def run(
        self, request: Mapping[str, Any], *, deadline_s: float, listener: Listener
    ) -> dict[str, Any]:
        """Run one child and return its result.

        Args:
            request: what the child reads. deadline_s: seconds until it is ended.
            listener: awaited with each event, in order.

        Raises:
            ChildError: it crashed, was cancelled, or did not end in time.
        """
        if self.cancelled:
            raise ChildError("the run was cancelled")
        name, mode = request["spec"]["name"], request["mode"]
        try:
            process = await _start((*_enter(request["spec"]), *self._command))
        except OSError as error:
            raise ChildError(f"{mode} of {name} could not be started: {error}") from error
        self._running.add(process)
        try:
            async with asyncio.timeout(deadline_s):
                return await self._talk(process, request, listener)
        except TimeoutError as error:
            raise ChildError(f"{mode} of {name} did not end within {deadline_s:.0f} s") from error
        finally:
            await _end(process)
            self._running.discard(process)

    async def _talk(
        self,
        process: asyncio.subprocess.Process,
        request: Mapping[str, Any],
        listener: Listener,
    ) -> dict[str, Any]:
        assert process.stdin and process.stdout and process.stderr
        secret_filter = Filter({**(request.get("mask") or {}), **of_spec(request["spec"])})
        with suppress(BrokenPipeError, ConnectionResetError):
            process.stdin.write(json.dumps(request).encode())
            await process.stdin.drain()
        process.stdin.close()
        output, last = await asyncio.gather(
            process.stdout.read(), _follow(process.stderr, listener, secret_filter)
        )
        code = await process.wait()
        if code == 0:
            result: dict[str, Any] = json.loads(output)
            return result
        name, mode = request["spec"]["name"], request["mode"]
        if self.cancelled:
            raise ChildError(f"{mode} of {name} was cancelled; the next run goes on from there")
        how = f"was ended by signal {-code}" if code < 0 else f"ended with code {code}"
        raise ChildError(f"{mode} of {name} {how}: {last or 'no output'}")

    async def cancel(self) -> None:
        """End all children, and start no more."""
        self.cancelled = True
        await asyncio.gather(*(_end(process) for process in list(self._running)))

    def kill(self) -> None:
        """End all children at once; for a provider that ends itself."""
        self.cancelled = True
        for process in self._running:
            _signal(process, signal.SIGKILL)


def _enter(spec: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what starts a command in the machines' namespace; none while there are no machines."""
    netns = (spec.get("transport") or {}).get("netns")
    known = any(host.get("known", True) for host in spec["hosts"].values())
    return ("nsenter", f"--net=/run/netns/{netns}") if netns and known else ()


async def _start(command: Sequence[str]) -> asyncio.subprocess.Process:
    environment = {key: os.environ[key] for key in ENVIRONMENT if key in os.environ}
    environment |= {"PYTHONPATH": str(ROOT), guard.PARENT: str(os.getpid())}
    return await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=ROOT,
        env=environment,
        limit=STREAM_LIMIT,
        start_new_session=True,
    )


async def _follow(stream: asyncio.StreamReader, listener: Listener, secret_filter: Filter) -> str:
    """Hand on each event; return the last line that is none (the end of a traceback)."""
    last = ""
    async for raw in stream:
        line = raw.decode(errors="replace").rstrip()
        try:
            event = json.loads(line)
        except ValueError:
            event = None
        if isinstance(event, dict):
            await listener(event)
        elif line:
            last = secret_filter.text(line)
            await listener({"event": "debug", "text": last})
    return last


def _signal(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    """Send a signal to the child's whole process group."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)


async def _end(process: asyncio.subprocess.Process) -> None:
    _signal(process, signal.SIGTERM)
    try:
        async with asyncio.timeout(TERM_S):
            await process.wait()
    except TimeoutError:
        _signal(process, signal.SIGKILL)
        await process.wait()
