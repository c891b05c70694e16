"""Children are started, listened to, and ended."""

import asyncio
import os
import sys
import time
from collections.abc import Mapping
from typing import Any

import pytest

from drills.wait import wait_until
from provider.runner import ChildError, Runner

REQUEST: Mapping[str, Any] = {
    "mode": "plan",
    "spec": {
        "name": "lb",
        "hosts": {},
        "transport": {"netns": None, "private_key": "the-private-key"},
        "secrets": {"vrrp": "hunter22"},
    },
}
SLEEP = "import subprocess, sys; subprocess.run(['sleep', '60'])"


def _python(script: str) -> Runner:
    return Runner((sys.executable, "-c", script))


def _run(runner: Runner, *, deadline_s: float = 20) -> tuple[dict[str, Any], list[Any]]:
    events: list[Any] = []

    async def listen(event: dict[str, Any]) -> None:
        events.append(event)

    work = runner.run(REQUEST, deadline_s=deadline_s, listener=listen)
    return asyncio.run(work), events


def test_result_and_events() -> None:
    """One JSON document in, one out, events in order."""
    script = (
        "import json, sys; r = json.load(sys.stdin); "
        "print(json.dumps({'event': 'log', 'text': 'hello'}), file=sys.stderr); "
        "print('not an event', file=sys.stderr); print(json.dumps({'mode': r['mode']}))"
    )
    result, events = _run(_python(script))
    assert result == {"mode": "plan"}
    assert events == [
        {"event": "log", "text": "hello"},
        {"event": "debug", "text": "not an event"},
    ]


def test_crash_is_a_sentence_without_secrets() -> None:
    """The last line of a traceback, filtered."""
    with pytest.raises(ChildError) as caught:
        _run(_python("raise SystemExit('no auth_pass hunter22')"))
    message = "plan of lb ended with code 1: no auth_pass (secret vrrp)"
    assert str(caught.value) == message


def test_deadline_ends_the_whole_process_group() -> None:
    """A child that hangs is ended with what it has started."""
    started = time.monotonic()
    with pytest.raises(ChildError, match="plan of lb did not end within 1 s"):
        _run(_python(SLEEP), deadline_s=1)
    assert time.monotonic() - started < 5


def _there(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def test_cancel_ends_children_and_starts_no_more() -> None:
    """What Ctrl-C does."""

    async def cancelled() -> None:
        runner = _python(SLEEP)

        async def listen(_: dict[str, Any]) -> None:
            return

        task = asyncio.create_task(runner.run(REQUEST, deadline_s=60, listener=listen))
        while not runner._running:
            await asyncio.sleep(0.01)
        [process] = runner._running
        await runner.cancel()
        with pytest.raises(ChildError, match="was cancelled"):
            await task
        # Whom init has not buried yet still counts.
        wait_until(lambda: not _there(process.pid), what="the end of all children", timeout_s=10)
        with pytest.raises(ChildError, match="the run was cancelled"):
            await runner.run(REQUEST, deadline_s=1, listener=listen)

    asyncio.run(cancelled())


def test_missing_program_is_a_sentence() -> None:
    """A machine without nsenter does not fail the preview with a traceback."""
    with pytest.raises(ChildError, match=r"plan of lb could not be started: .*no-such-program"):
        _run(Runner(("no-such-program",)))


def test_child_gets_no_more_of_the_environment_than_it_needs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The passphrase of the state stays with the engine and the provider."""
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "secret")
    script = "import json, os; print(json.dumps(dict(os.environ)))"
    result, _ = _run(_python(script))
    assert "PULUMI_CONFIG_PASSPHRASE" not in result
    assert result["PAIRWISE_PARENT"] == str(os.getpid())


def test_real_child_lists_operations_of_an_unreachable_host() -> None:
    """Nothing listens on the discard port: every operation is listed, in words."""
    host = {"address": "127.0.0.1", "port": 9, "user": "root", "host_key": "ssh-ed25519 AAAA"}
    plan = {"nodes": {"lb1": {"root": "/nowhere", "files": {"a.conf": "one"}}}}
    transport = {"netns": None, "private_key": None}
    request = {
        "mode": "plan",
        "entry": "tests.provider.fake_deploy",
        "spec": {
            "name": "lb",
            "stack": "t",
            "hosts": {"lb1": host},
            "transport": transport,
            "plan": plan,
            "secrets": {},
        },
    }

    async def listen(_: dict[str, Any]) -> None:
        return

    result = asyncio.run(Runner().run(request, deadline_s=30, listener=listen))
    found = result["hosts"]["lb1"]
    assert found["state"] == "unreachable"
    assert found["reason"].startswith("connection refused")
    assert set(found["operations"]) == {
        "base: marker",
        "files: a.conf",
        "daemon: reload",
        "daemon: active",
    }
