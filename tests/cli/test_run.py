"""The engine's events as a person follows them, and the verdicts of ``verify``."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

from rich.console import Console

from cli.display import follow, table
from cli.events import Run, read
from cli.verify import exit_code, understand
from drills.wait import wait_until
from tests.cli.test_look import plan

URN = "urn:pulumi:six::pairwise::pairwise:index:Pair$pyinfra:index:Deploy::lb-deploy"
PAIR = "urn:pulumi:six::pairwise::pairwise:index:Pair::lb"


def began(urn: str, op: str = "create") -> dict[str, Any]:
    return {"resourcePreEvent": {"metadata": {"op": op, "urn": urn}}}


def ended(urn: str, op: str = "create") -> dict[str, Any]:
    return {"resOutputsEvent": {"metadata": {"op": op, "urn": urn}}}


def said(text: str, severity: str = "info", *, ephemeral: bool = False) -> dict[str, Any]:
    message = {"urn": URN, "message": f"{text}\n", "severity": severity, "ephemeral": ephemeral}
    return {"diagnosticEvent": message}


def test_resource_is_told_when_it_is_done() -> None:
    run = Run()
    assert run.take(began(URN), now=10) == []
    assert [line.text for line in run.take(ended(URN), now=22)] == [
        "created Deploy lb-deploy (12 s)"
    ]
    assert run.running == {}


def test_components_and_unchanged_resources_are_not_told() -> None:
    run = Run()
    for event in (began(PAIR), ended(PAIR), began(URN, "same"), ended(URN, "same")):
        assert run.take(event, now=0) == []


def test_hosts_show_their_newest_line_while_they_work() -> None:
    run = Run()
    run.take(began(URN), now=0)
    assert run.take(said("lb1: waiting for SSH", ephemeral=True), now=1) == []
    line = run.take(said("lb2: nginx: reload: changed"), now=1)
    assert [item.text for item in line] == ["lb2: nginx: reload: changed"]
    assert run.running[URN].lines == {"lb1": "waiting for SSH", "lb2": "nginx: reload: changed"}
    assert table(run, now=5).row_count == 4


def test_a_silent_run_without_a_terminal_says_what_it_waits_for() -> None:
    shown = io.StringIO()
    console = Console(file=shown, width=200)

    def events() -> Iterator[dict[str, Any]]:
        yield began(PAIR)
        yield began(URN)
        yield said("lb1: waiting for SSH", ephemeral=True)
        wait_until(
            lambda: "waiting" in shown.getvalue(), what="a reminder", timeout_s=10, every_s=0.01
        )
        yield ended(URN)

    follow(events(), console, silence_s=0.02)
    lines = shown.getvalue().splitlines()
    assert lines[0] == "  creating Deploy lb-deploy (0 s): lb1 waiting for SSH"
    assert lines[-1] == "  created Deploy lb-deploy (0 s)"


def test_debug_lines_are_not_shown_and_errors_are_kept() -> None:
    run = Run()
    assert run.take(said("registering", "debug"), now=0) == []
    assert [line.severity for line in run.take(said("no SSH", "error"), now=0)] == ["error"]
    assert run.errors == ["no SSH"]


def test_summary_is_the_engine_s_own_count() -> None:
    run = Run()
    run.take({"summaryEvent": {"durationSeconds": 9, "resourceChanges": {"same": 59}}}, now=0)
    assert run.summary() == "0 created, 0 changed, 0 replaced, 0 deleted, 59 unchanged in 9 s"


def test_line_that_is_no_event_is_passed_on() -> None:
    events = list(read(["\n", "panic: oh\n", '{"cancelEvent": {}}\n']))
    assert events[0]["diagnosticEvent"]["message"] == "panic: oh\n"
    assert events[1:] == [{"cancelEvent": {}}]


def verdict(**hosts: dict[str, Any]) -> int:
    return exit_code(understand(plan("six").slice("lb"), {"hosts": hosts}))


GOOD = {"state": "reachable", "checks": {"nginx runs": {"ok": True, "output": ""}}}
BAD = {"state": "reachable", "checks": {"nginx runs": {"ok": False, "output": "no"}}}
AWAY = {"state": "unreachable", "checks": {}, "error": "no route to host"}


def test_exit_codes_of_verify() -> None:
    assert verdict(lb1=GOOD, lb2=GOOD) == 0
    assert verdict(lb1=BAD, lb2=AWAY) == 1
    assert verdict(lb1=GOOD, lb2=AWAY) == 2
    assert verdict(lb1=GOOD) == 2
