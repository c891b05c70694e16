"""Named problems: what a person should know of, in one sentence each, and what to type.

Each appears and disappears by what is seen; the appearance and the end are told. Some end by
themselves after ten minutes: they say that something was done.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from bootstrap.blocks.monitor.program import moves
from bootstrap.blocks.monitor.program.actions import Tell
from bootstrap.blocks.monitor.program.config import Config, Group
from bootstrap.blocks.monitor.program.memory import Memory, Problem, ProblemKey
from bootstrap.blocks.monitor.program.seen import Holding, Now, Observation
from bootstrap.facts.drbd import DrbdState

PASSING_S = 600.0
"""How long it is shown that something was done."""
NOT_MET = "has not met"
"""In the reason for which fencing waits (``pairs.NOT_MET``)."""
NODE = "-"
"""In place of a group: the node itself."""
FREE_MIN_PERCENT = 5.0
"""Below this a file system counts as full: databases stop at zero."""
STICKY = ("service-failed", "stays-put")
"""They last until the group's daemons work, and do not flicker with each try."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Something that holds in this pass."""

    id: str
    """Name of the problem."""
    group: str
    """Which group; ``-``: the node."""
    text: str
    """One sentence."""
    command: str
    """What to type."""
    after_s: float = 0.0
    """How long it must hold before it is a problem."""

    @property
    def key(self) -> ProblemKey:
        """Id and group."""
        return (self.id, self.group)


def passing(memory: Memory, now: Now, finding: Finding) -> Memory:
    """Remember that something was done; it ends by itself."""
    old = memory.passing.get(finding.key)
    since = old[0].since if old is not None else now.wall
    problem = _problem(finding, since)
    until = now.mono + PASSING_S
    return replace(memory, passing={**memory.passing, finding.key: (problem, until)})


def judge(
    config: Config, memory: Memory, seen: Observation, now: Now, found: tuple[Finding, ...]
) -> tuple[Memory, tuple[Tell, ...]]:
    """The problems of this pass, and what is to be told of them."""
    findings = {f.key: f for f in (*found, *_of_node(config, memory, seen, now))}
    for group in config.groups:
        findings |= {f.key: f for f in _of_group(config, memory, seen, group)}
    pending = {key: memory.pending.get(key, now.mono) for key in findings}
    problems: dict[ProblemKey, Problem] = {}
    for key, finding in findings.items():
        if now.mono - pending[key] >= finding.after_s:
            old = memory.problems.get(key)
            since = old.since if old else now.wall - (now.mono - pending[key])
            # The numbers in a text change: the file shows them, nobody is told again.
            problems[key] = _problem(finding, since)
    for key, old in memory.problems.items():
        if key[0] in STICKY and key not in problems and _still(config, seen, key[1]):
            problems[key] = old
    left = {key: found for key, found in memory.passing.items() if found[1] > now.mono}
    problems = {**{key: problem for key, (problem, _) in left.items()}, **problems}
    told = tuple(_tell(config, memory, problems))
    return replace(memory, pending=pending, passing=left, problems=problems), told


def _problem(finding: Finding, since: float) -> Problem:
    return Problem(
        id=finding.id,
        group=finding.group,
        since=round(since, 1),
        text=finding.text,
        command=finding.command,
    )


def _tell(config: Config, memory: Memory, problems: dict[ProblemKey, Problem]) -> Iterator[Tell]:
    vips = {group.name: group.vip for group in config.groups}
    for key, problem in problems.items():
        if key not in memory.problems:
            yield Tell(vip=vips.get(key[1], NODE), state=problem.id, text=problem.text)
    for key, problem in memory.problems.items():
        if key not in problems and key not in memory.passing:
            text = f"ended on {config.node}: {problem.text}"
            yield Tell(vip=vips.get(key[1], NODE), state=f"{problem.id}-ended", text=text)


def _still(config: Config, seen: Observation, name: str) -> bool:
    group = next((g for g in config.groups if g.name == name), None)
    if group is None or seen.holding(group) is not Holding.HELD:
        return False
    # A unit that was not read in this pass says nothing new.
    states = [seen.units[unit].active for unit in group.watched if unit in seen.units]
    return any(state != "active" for state in states)


def _of_node(config: Config, memory: Memory, seen: Observation, now: Now) -> Iterator[Finding]:
    status = f"pairwise status {config.stack}"
    if seen.heartbeat != "active":
        yield Finding(
            id="heartbeat-not-active",
            group=NODE,
            text=f"Heartbeat of {config.node} is {seen.heartbeat}: nothing moves to or from it.",
            command=f"pairwise up {config.stack}",
            after_s=30.0,
        )
    if seen.fence_waiting:
        # Without disks nothing can be old.
        if NOT_MET in seen.fence_waiting and any(group.resource for group in config.groups):
            remedy = f"{config.peer}, which may have newer data, is to be started"
            command = f"pairwise start {config.stack} {config.peer}"
        else:
            remedy = "look whether it is off, then say so"
            command = f"pairwise fence confirm {config.stack} {config.peer}"
        yield Finding(
            id="fence-waiting",
            group=NODE,
            text=f"A take-over on {config.node} waits for fencing of {config.peer}"
            f" ({seen.fence_waiting}): {remedy}.",
            command=command,
        )
    if seen.ping == "dead":
        yield Finding(
            id="ping-dead",
            group=NODE,
            text=f"{config.node} gets no answer from {config.ping}: its client link is dead, or"
            f" that address; Heartbeat hands its groups to {config.peer} if that one gets answers.",
            command=f"pairwise status {config.stack}",
            after_s=5.0,
        )
    if memory.changing_since is not None and now.mono - memory.changing_since >= 300.0:
        yield Finding(
            id="transition-long",
            group=NODE,
            text=f"Heartbeat of {config.node} has been in transition for more than five minutes:"
            " journalctl -u heartbeat says what it waits for.",
            command=status,
        )


def _of_group(config: Config, memory: Memory, seen: Observation, group: Group) -> Iterator[Finding]:
    if group.resource:
        yield from _of_disk(config, seen.state(group), group)
    here = f"{group.mount_point} on {config.node}"
    mount = seen.mounts.get(group.mount_point)
    if mount is not None and mount.read_only:
        yield Finding(
            id="file-system-read-only",
            group=group.name,
            text=f"The file system {here} is read-only after an error: the kernel's log says why.",
            command=f"pairwise status {config.stack}",
        )
    elif mount is not None and mount.free_percent < FREE_MIN_PERCENT:
        yield Finding(
            id="file-system-full",
            group=group.name,
            text=f"The file system {here} is nearly full: less than {FREE_MIN_PERCENT:.0f} % are"
            " free; remove what is not needed.",
            command=f"pairwise status {config.stack}",
        )
    if seen.holding(group) is Holding.PARTLY and seen.heartbeat == "active":
        yield Finding(
            id="partly-held",
            group=group.name,
            text=f"Group {group.name} has been only partly on {config.node} for a minute:"
            " disk, file system and VIP do not go together.",
            command=f"pairwise status {config.stack}",
            after_s=60.0,
        )
    requests = memory.requests.get(group.name, ())
    if requests:
        disk = seen.state(group)
        vain = "" if moves.may_promote(seen, group) else f"; its disk here is {disk.disk}"
        yield Finding(
            id="take-over-lost",
            group=group.name,
            text=f"Heartbeat of {config.node} believes it holds group {group.name} and does not:"
            f" it was requested again and is not here yet{vain}.",
            command=f"pairwise status {config.stack}",
        )


def _of_disk(config: Config, state: DrbdState, group: Group) -> Iterator[Finding]:
    name, node, peer = group.resource, config.node, config.peer

    def finding(id_: str, text: str, after_s: float = 0.0, command: str = "status") -> Finding:
        command = f"pairwise {command} {config.stack}"
        if not command.startswith("pairwise status"):
            # Of both nodes the one that does not serve loses.
            command += f" {peer if state.role == 'Primary' else node}"
        return Finding(id=id_, group=group.name, text=text, command=command, after_s=after_s)

    if not state.configured:
        yield finding("disk-missing", f"DRBD of {node} has no resource {name}.", 10.0)
        return
    if state.disk in {"Diskless", "Failed", "Detaching"}:
        yield finding(
            "disk-diskless",
            f"The backing disk of {name} on {node} is detached: {node} works with {peer}'s copy;"
            " replace the disk, then drbdadm attach.",
        )
    elif state.disk == "Inconsistent" and not state.syncing:
        yield finding(
            "disk-inconsistent",
            f"The copy of {name} on {node} is inconsistent and no resync runs: {node} cannot take"
            f" it over; look at the link to {peer}.",
            10.0,
        )
    link = _of_link(config, state, group)
    if link is not None:
        yield finding(*link)


def _of_link(config: Config, state: DrbdState, group: Group) -> tuple[str, str, float, str] | None:
    """Id, text, how long it must hold, and the command that helps."""
    name, node, peer = group.resource, config.node, config.peer
    if state.cs == "StandAlone":
        text = (
            f"{name} on {node} has cut itself off from {peer} (StandAlone): both copies may have"
            " writes of their own; decide which one is discarded."
        )
        return "split-brain", text, 0.0, "heal"
    if not state.linked:
        text = (
            f"{name} on {node} has not been connected to {peer} for more than 10 s ({state.cs}):"
            " writes are on one disk only."
        )
        return "not-replicated", text, 10.0, "status"
    if state.cs == "Connected" and state.oos_kib > 0 and state.disk != "Diskless":
        text = (
            f"The copies of {name} on {node} and {peer} differ although they are connected:"
            " a repair copies what differs from the one that serves."
        )
        return "out-of-sync", text, 10.0, "repair"
    return None
