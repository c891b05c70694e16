"""Runs one drill: steady state, load, watchers, the scenario, the heal, steady state, judgement."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from drills import checkers, evidence
from drills.drill import Drill, bound_of
from drills.faults import heal_all
from drills.inside import watching_nodes
from drills.invariants import Finding, Verdict
from drills.judge import (
    Watched,
    clock_offsets,
    group_result,
    invariant_findings,
    reads_outage_s,
)
from drills.observe import Observations, observer
from drills.picture import picture
from drills.readers import reading
from drills.result import Result, writes_check
from drills.running import ROOT, LiveStack
from drills.stage import STEADY_S, Stage
from drills.writers import Writer, writer_of

FIRST_WRITES_S = 90
"""The client connects, mounts and writes: seconds, more on a busy machine."""
LAB_ERRORS = (OSError, RuntimeError, subprocess.SubprocessError, ValueError)
"""What says something of the machinery and nothing of the pair: the verdict is unknown."""


def run_drill(
    stack: LiveStack, drill: Drill, *, say: Callable[[str], None], settings: str = ""
) -> Result:
    """One run; never raises for what a pair or a lab does: that is in the result.

    Args:
        stack: which is up. drill: applies to it. say: gets one line of progress at a time.
        settings: whose they are where they are not the stack's own; its evidence lies elsewhere.
    """
    begun, stamp = time.monotonic(), evidence.stamp()
    kind = f"{drill.name}-{settings}" if settings else drill.name
    folder = evidence.folder_of(stack.name, kind, stamp)
    checks: dict[str, Finding] = {}
    found: dict[str, Any] = {"invariants": {}, "groups": {}}
    try:
        heal_all(stack)
        say("waiting for the steady state")
        stack.wait_until_steady(timeout_s=STEADY_S)
        _drilled(stack, drill, folder, checks, found, say)
    except (AssertionError, *LAB_ERRORS) as error:
        # Before and after the scenario nothing has been asked of the pair yet, or any more.
        checks["lab"] = Finding(verdict=Verdict.UNKNOWN, reason=sentence(error))
    result = Result(
        stack=stack.name,
        drill=drill.name,
        started=stamp,
        seconds=round(time.monotonic() - begun, 1),
        checks=checks,
        evidence=str(folder.relative_to(ROOT)),
        made_on=evidence.made_on(f"pairwise drill run {stack.name} {drill.name}"),
        breaks=drill.breaks,
        **found,
    )
    evidence.write_json(folder / evidence.VERDICT, result.as_json())
    return result


def sentence(error: BaseException) -> str:
    """What an error says, on one line; its kind where it says nothing. It is committed with the
    verdict, and has no path of the machine in it."""
    return " ".join(str(error).replace(f"{ROOT}/", "").split())[:1000] or type(error).__name__


def _drilled(
    stack: LiveStack,
    drill: Drill,
    folder: Path,
    checks: dict[str, Finding],
    found: dict[str, Any],
    say: Callable[[str], None],
) -> None:
    """Drill, and judge what was seen; what is known already stays when a later part fails."""
    plan, since = stack.plan, time.time()
    said = evidence.console_sizes(stack)
    with _stage(stack, drill, say) as (stage, writers):
        subject = stage.subject
        checks["scenario"] = _play(drill, stage)
        checks["recovered"] = _recover(stage)
        at_end = {name: stage.holder_now(subject.group(name)) for name in writers}
        ended = time.monotonic()
    seen = Watched(
        nodes=stage.nodes,
        marks=stage.marks,
        arp=stage.arp.samples,
        samples=[s for watch in stage.watches.values() for s in watch.samples()],
        histories={name: recorder.history() for name, recorder in stage.writes.items()},
        apart=stage.apart,
        reads=stage.reads.history() if stage.reads is not None else (),
        found={},
        ended=ended,
        wall_offset=time.time() - time.monotonic(),
    )
    evidence.keep(folder, stack, plan, seen)
    evidence.keep_consoles(stack, folder, said)
    (folder / "timeline.svg").write_text(
        picture(evidence.timeline(seen), _names(stage)), encoding="utf-8"
    )
    found["invariants"] = {**invariant_findings(seen, subject), **stage.own}
    found["reads_outage_s"] = reads_outage_s(seen)
    if found["reads_outage_s"] is not None and drill.reads_stall_s is not None:
        checks["reads stall"] = _stall(
            found["reads_outage_s"], bound_of(drill.reads_stall_s, subject)
        )
    seen = replace(seen, found=_in_the_end(stack, writers, at_end, stage.nodes[0], checks))
    requests = stage.fence_requests()
    evidence.write_json(folder / "fence.json", requests)
    checks["fencing"] = checkers.fenced_as_expected(
        requests, must=stage.must_fence, may=stage.may_fence
    )
    offsets = clock_offsets(seen.samples, stage.nodes)
    events = evidence.journals(stack, folder, plan.nodes, since=since, offsets=offsets)
    by_mac = {
        interface.mac: events[node]
        for node in stage.nodes
        for interface in plan.nodes[node].interfaces
    }
    for name, numbers in seen.found.items():
        group = group_result(seen, subject, subject.group(name), by_mac)
        found["groups"][name] = group
        checks[writes_check(name)] = checkers.writes_kept(seen.histories[name], numbers)
        if drill.stall_s is not None:
            checks[f"{name} stall"] = _stall(group.outage_s, bound_of(drill.stall_s, subject))
    checks["steady"] = checkers.steady(stack.status(), stack.preview())


def _in_the_end(
    stack: LiveStack,
    writers: Mapping[str, Writer],
    at_end: Mapping[str, str | None],
    other: str,
    checks: dict[str, Finding],
) -> dict[str, Sequence[int]]:
    """What each group has when all is over; of one that nobody serves that is not known."""
    found: dict[str, Sequence[int]] = {}
    for name, writer in writers.items():
        try:
            found[name] = writer.found(stack, at_end[name] or other)
        except (AssertionError, *LAB_ERRORS) as error:
            checks[writes_check(name)] = Finding(verdict=Verdict.UNKNOWN, reason=sentence(error))
    return found


def _names(stage: Stage) -> dict[str, str]:
    """What a picture calls MACs and addresses."""
    macs = {i.mac: node for node in stage.nodes for i in stage.plan.nodes[node].interfaces}
    return {**macs, **{str(group.vip): f"VIP {group.name}" for group in stage.groups}}


@contextmanager
def _stage(
    stack: LiveStack, drill: Drill, say: Callable[[str], None]
) -> Iterator[tuple[Stage, Mapping[str, Writer]]]:
    """The pair under load, with every watcher at work."""
    plan, found = stack.plan, drill.pair_of(stack.plan)
    assert found is not None
    pair, subject = found
    nodes = sorted(plan.deploys[pair].nodes.values(), key=lambda node: node.id)
    names = (nodes[0].name, nodes[1].name)
    groups = subject.written if drill.is_loaded else ()
    writers = {group.name: writer_of(plan, pair, group) for group in groups}
    with ExitStack() as running:
        say("starting watchers and clients")
        watches = running.enter_context(watching_nodes(stack, names))
        arp = Observations(
            [
                running.enter_context(
                    observer(stack.netns, "drills.arp", plan.networks[network].bridge, *vips)
                )
                for network, vips in subject.vips.items()
            ]
        )
        stage = Stage(stack, plan, pair, names, subject, arp, watches, {}, say)
        stage.lasts_s = drill.lasts_s or 0.0
        for name, writer in writers.items():
            writer.prepare(stack, stage.holder(subject.group(name)))
        stage.writes = {
            name: running.enter_context(writer.recording(stack)) for name, writer in writers.items()
        }
        if (reads := reading(stage, drill)) is not None:
            stage.reads = running.enter_context(reads)
            stage.reads.wait_for_more(5, timeout_s=FIRST_WRITES_S)
        stage.fenced_before = len(stack.fence_requests())
        arp.wait_for_more(5, timeout_s=FIRST_WRITES_S)
        for recorder in stage.writes.values():
            recorder.wait_for_more(10, timeout_s=FIRST_WRITES_S)
        yield stage, writers


def _play(drill: Drill, stage: Stage) -> Finding:
    """The scenario; whatever it left broken is healed."""
    try:
        drill.run(stage)
    except (AssertionError, *LAB_ERRORS) as error:
        # What cannot be healed now is tried again before the next drill.
        with suppress(AssertionError, *LAB_ERRORS):
            heal_all(stage.stack)
        return _finding(error)
    return Finding(verdict=Verdict.PASS)


def _finding(error: BaseException) -> Finding:
    """What follows from an error: an assertion is of the pair, anything else of the lab."""
    of_pair = isinstance(error, AssertionError)
    return Finding(verdict=Verdict.FAIL if of_pair else Verdict.UNKNOWN, reason=sentence(error))


def _recover(stage: Stage) -> Finding:
    """The steady state is back, and clients write, and read."""
    try:
        stage.wait_until_steady()
        stage.writes_go_on(10)
        if stage.reads is not None:
            stage.reads.wait_for_more(5, timeout_s=FIRST_WRITES_S)
        for watch in stage.watches.values():
            watch.wait_for_more(1, timeout_s=FIRST_WRITES_S)
    except (AssertionError, *LAB_ERRORS) as error:
        return _finding(error)
    return Finding(verdict=Verdict.PASS)


def _stall(outage_s: float, most_s: float) -> Finding:
    """Whether an outage is within the drill's bound."""
    if outage_s <= most_s:
        return Finding(verdict=Verdict.PASS)
    return Finding(verdict=Verdict.FAIL, reason=f"{outage_s:.1f} s, at most {most_s:g} s")
