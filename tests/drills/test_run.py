"""One run from end to end, on a pretended pair: what is kept and judged when a part fails."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from drills import evidence, run
from drills.drill import Drill
from drills.inside import Sample
from drills.invariants import ONE_PRIMARY, Verdict
from drills.result import Result
from drills.running import LiveStack
from drills.scene import Mark
from drills.subject import Kind, subject_of
from drills.workloads.recorder import Write
from tests.golden.tree import plans

PLAN = plans()["nfs"]
SUBJECT = subject_of(PLAN, "nfs", Kind.HEARTBEAT)
NODES = ("nfs1", "nfs2")


def writes() -> list[Write]:
    """Some that end now."""
    begun = time.monotonic() - 30
    return [Write(id=n, invoked=begun + n, ended=begun + n, outcome="ok") for n in range(1, 30)]


@dataclass
class Pair:
    """What is seen of it, and what fails."""

    primaries: tuple[str, ...] = ("nfs1",)
    found: Exception | None = None
    steady: Exception | None = None
    reads: Exception | None = None
    heal: Exception | None = None

    def scenario(self, _: Any) -> None:
        if self.heal is not None:
            raise AssertionError("the group went back and forth")

    def samples(self) -> list[Sample]:
        return [
            Sample(
                node=node, at=at, wall=at, boot="b", up=at, now=at, mysqld=(),
                roles={0: "Primary" if node in self.primaries else "Secondary"},
            )
            for node in NODES
            for at in (write.invoked for write in writes())
        ]  # fmt: skip

    def stage(self) -> SimpleNamespace:
        vip = str(SUBJECT.groups[0].vip)
        arp = [{"at": n / 5, "vip": vip, "sequence": n, "macs": ["52:a"]} for n in range(150)]

        def reads_go_on(*_: object, **__: object) -> None:
            raise_(self.reads)

        watch = SimpleNamespace(samples=self.samples, wait_for_more=lambda *_, **__: None)
        fault = time.monotonic() - 20
        return SimpleNamespace(
            nodes=NODES, plan=PLAN, subject=SUBJECT, groups=SUBJECT.groups, stack=LIVE,
            marks=[Mark(at=fault, wall=fault, text="power of nfs1 cut")],
            arp=SimpleNamespace(samples=arp), apart=[], own={}, must_fence=set(), may_fence=set(),
            watches={"nfs1": watch}, writes={"nfs": SimpleNamespace(history=writes)},
            reads=SimpleNamespace(history=writes, wait_for_more=reads_go_on),
            holder_now=lambda _: "nfs1", fence_requests=list, writes_go_on=lambda _: None,
            wait_until_steady=lambda: raise_(self.steady),
        )  # fmt: skip

    def lists(self, *_: object) -> list[int]:
        raise_(self.found)
        return [write.id for write in writes()]


def raise_(error: Exception | None) -> Any:
    if error is not None:
        raise error


LIVE = LiveStack("nfs", "netns", "uri")


@pytest.fixture
def drilled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(evidence, "FOLDER", tmp_path)
    monkeypatch.setattr(run, "ROOT", tmp_path)
    monkeypatch.setattr(LiveStack, "wait_until_steady", lambda *_, **__: None)
    monkeypatch.setattr(LiveStack, "exec", lambda *_, **__: "")
    monkeypatch.setattr(LiveStack, "status", lambda _: {"healthy": True, "problems": []})
    monkeypatch.setattr(LiveStack, "preview", lambda _: {"changes": 0})

    def call(pair: Pair) -> tuple[Result, set[str]]:
        calls = iter([None, pair.heal])

        @contextmanager
        def stage(*_: object) -> Iterator[tuple[Any, Any]]:
            yield pair.stage(), {"nfs": SimpleNamespace(found=pair.lists)}

        monkeypatch.setattr(run, "_stage", stage)
        monkeypatch.setattr(run, "heal_all", lambda _: raise_(next(calls)))
        drill = Drill(name="d", sentence="s", run=pair.scenario, seconds=1)
        result = run.run_drill(LIVE, drill, say=lambda _: None)
        return result, {path.name for path in (tmp_path / result.evidence).iterdir()}

    return call


def test_a_pair_that_keeps_everything_passes(drilled: Any) -> None:
    result, kept = drilled(Pair())
    assert (result.verdict, result.reasons) == (Verdict.PASS, [])
    assert {"verdict.json", "plan.json", "arp.jsonl", "timeline.svg", "fence.json"} <= kept


def test_a_violation_counts_and_is_kept_when_nobody_serves_in_the_end(drilled: Any) -> None:
    two = Pair(primaries=NODES, found=AssertionError("no answer"))
    result, kept = drilled(two)
    assert result.verdict is Verdict.FAIL
    assert result.invariants[ONE_PRIMARY].verdict is Verdict.FAIL
    assert result.checks["nfs writes"].verdict is Verdict.UNKNOWN
    assert {"arp.jsonl", "nodes.jsonl", "history-nfs.jsonl", "timeline.svg"} <= kept


def test_what_could_not_be_read_in_the_end_is_no_pass(drilled: Any) -> None:
    result, _ = drilled(Pair(found=RuntimeError("no answer")))
    assert result.verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("pair", "verdict"),
    [
        (Pair(reads=AssertionError("5 more reads")), Verdict.FAIL),
        (Pair(steady=AssertionError("steady")), Verdict.FAIL),
        (Pair(steady=RuntimeError("the observer ended")), Verdict.UNKNOWN),
    ],
)
def test_a_pair_that_does_not_recover_is_no_pass(
    drilled: Any, pair: Pair, verdict: Verdict
) -> None:
    result, kept = drilled(pair)
    assert result.checks["recovered"].verdict is verdict
    assert result.verdict is verdict
    assert "history-nfs.jsonl" in kept


def test_a_failed_scenario_stays_failed_when_nothing_can_be_healed(drilled: Any) -> None:
    result, _ = drilled(Pair(heal=RuntimeError("no lab")))
    assert result.checks["scenario"].verdict is Verdict.FAIL
    assert "back and forth" in result.checks["scenario"].reason


def test_what_a_console_said_in_the_run_is_kept_whatever_became_of_its_log(tmp_path: Path) -> None:
    stack = LiveStack("nfs", "n", "u", console=lambda machine: tmp_path / machine)
    here = {node: tmp_path / stack.node(node).machine for node in ("nfs1", "nfs2")}
    here["nfs1"].write_bytes(b"booted\n")
    here["nfs2"].write_bytes(b"booted long ago\n")
    before = evidence.console_sizes(stack)
    here["nfs1"].write_bytes(b"booted\npanic\n")
    here["nfs2"].write_bytes(b"anew\n")
    kept = tmp_path / "kept"
    kept.mkdir()
    evidence.keep_consoles(stack, kept, before)
    found = {path.name: path.read_bytes() for path in kept.iterdir()}
    assert found["console-nfs1.log"] == b"panic\n"
    assert found["console-nfs2.log"] == b"anew\n"
    assert found["console-client1.log"] == b""
    assert evidence.console_sizes(LiveStack("nfs", "n", "u")) == {}
