"""One pure function: what was remembered, what is seen, and the moment say what to do.

It acts on nothing while Heartbeat is not active or is stopping, and moves nothing while Heartbeat
is in transition or the peer is not proven passive or off. It never starts a resource or sets an
address: Heartbeat does, when asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from bootstrap.blocks.monitor.program import connections, moves, problems, services
from bootstrap.blocks.monitor.program.actions import Action
from bootstrap.blocks.monitor.program.config import Config, Group
from bootstrap.blocks.monitor.program.memory import Memory
from bootstrap.blocks.monitor.program.problems import Finding
from bootstrap.blocks.monitor.program.seen import Holding, Now, Observation
from bootstrap.blocks.monitor.program.services import Fault

ASK_S = 30.0
"""How often Heartbeat is asked for the status file alone, when nothing hangs on the answer."""


def decide(
    config: Config, memory: Memory, seen: Observation, now: Now
) -> tuple[Memory, tuple[Action, ...]]:
    """One pass."""
    memory = moves.note(config, memory, seen, now)
    for group in config.groups:
        if memory.fell.get(group.name) == now.mono:
            memory = problems.passing(memory, now, _gave_up(config, group))
    actions: list[Action] = []
    findings: list[Finding] = []
    if seen.heartbeat == "active":
        memory, services_do, findings = _services(config, memory, seen, now)
        requested = memory.requests
        memory, moves_do = moves.ask_again(config, memory, seen, now)
        memory = _repaired(config, memory, seen, now, requested)
        memory, connections_do = connections.follow(config, memory, seen)
        actions = [*connections_do, *services_do, *moves_do]
        # An old answer is asked for anew; one that a decision waits for, at once.
        old = now.mono - memory.rscstatus_at >= ASK_S
        unsure = any(f.id in problems.STICKY for f in findings) or bool(memory.leaving)
        memory = replace(memory, ask=old or unsure or bool(moves.missing(config, seen)))
    else:
        memory = replace(memory, silent={}, lost={}, requests={}, leaving={}, ask=False)
    memory, told = problems.judge(config, memory, seen, now, tuple(findings))
    return memory, (*actions, *told)


def _services(
    config: Config, memory: Memory, seen: Observation, now: Now
) -> tuple[Memory, list[Action], list[Finding]]:
    found = services.watch(config, memory, seen, now)
    memory, actions = found.memory, list[Action](found.actions)
    for group in config.groups:
        for unit in group.watched:
            if now.mono in memory.restarts.get(unit, ()):
                why = next((f.why for f in found.started if f.unit == unit), "had ended")
                memory = problems.passing(memory, now, _restarted(config, group, unit, why))
    findings: list[Finding] = []
    going: list[Group] = []
    for fault in found.broken:
        verdict = moves.may_leave(config, memory, seen, now, fault.group)
        if verdict.go:
            going.append(fault.group)
        else:
            if not verdict.wait:
                memory, more = services.again(memory, fault, now)
                actions += more
            findings.append(_broken(config, fault, verdict))
    if going:
        memory, standby = moves.hand_over(config, memory, seen, now, going)
        actions += standby
        if standby:
            memory = _handed_over(config, memory, now, found.broken, going)
    return memory, actions, findings


def _gave_up(config: Config, group: Group) -> Finding:
    return Finding(
        id="not-started",
        group=group.name,
        text=f"Group {group.name} did not start on {config.node}: Heartbeat gave it up again.",
        command=f"pairwise exec {config.stack} {config.node} -- journalctl -u heartbeat",
    )


def _restarted(config: Config, group: Group, unit: str, why: str) -> Finding:
    return Finding(
        id="service-restarted",
        group=group.name,
        text=f"{unit} of group {group.name} on {config.node} {why} and is started again.",
        command=f"pairwise exec {config.stack} {config.node} -- journalctl -u {unit}",
    )


def _broken(config: Config, fault: Fault, verdict: moves.Verdict) -> Finding:
    reason = verdict.why or "its hand-over is being asked for"
    name = "stays-put" if verdict.stays else "service-failed"
    return Finding(
        id=name,
        group=fault.group.name,
        text=f"{fault.unit} of group {fault.group.name} on {config.node} {fault.why} and starting"
        f" it again does not help; the group stays here: {reason}.",
        command=f"pairwise exec {config.stack} {config.node} -- journalctl -u {fault.unit}",
        # A question to Heartbeat takes a pass or two: no message for that.
        after_s=5.0 if verdict.wait else 0.0,
    )


def _handed_over(
    config: Config, memory: Memory, now: Now, broken: Sequence[Fault], going: Sequence[Group]
) -> Memory:
    for fault in broken:
        if fault.group in going:
            finding = Finding(
                id="handed-over",
                group=fault.group.name,
                text=f"Group {fault.group.name} is handed over from {config.node} to"
                f" {config.peer}: {fault.unit} {fault.why} and starting it again did not help.",
                command=f"pairwise exec {config.stack} {config.node} -- journalctl -u {fault.unit}",
            )
            memory = problems.passing(memory, now, finding)
    return memory


def _repaired(
    config: Config,
    memory: Memory,
    seen: Observation,
    now: Now,
    requested: Mapping[str, tuple[float, ...]],
) -> Memory:
    for group in config.groups:
        times = requested.get(group.name)
        if times and seen.holding(group) is Holding.HELD:
            finding = Finding(
                id="take-over-repaired",
                group=group.name,
                text=f"The take-over of group {group.name} by {config.node} got lost in Heartbeat;"
                f" it was requested again and the group is here after"
                f" {now.mono - times[0]:.0f} s.",
                command=f"pairwise status {config.stack}",
            )
            memory = problems.passing(memory, now, finding)
    return memory
