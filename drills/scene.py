"""What a scenario sees of one pair under load, and what it holds against it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from drills import running
from drills.checkers import asked_off, powered_off
from drills.inside import NodeWatch, Sample
from drills.invariants import Finding, Verdict
from drills.observe import Observations, holders
from drills.running import LiveStack
from drills.subject import PRIMARY, Follower, Group, Subject
from drills.workloads.recorder import Recorder, Writes
from stacks.plan_data_types import DataPlan, FencePlan, ServiceGroup
from stacks.plan_types import NodePlan, Plan

SILENT_S = 10
"""Without a sample for so long a node is off, or starved."""
RECENT = 10
"""ARP samples, two seconds of them, that say who holds a VIP now."""


def pause_after(last: Sequence[Sample], *, now: float) -> float:
    """Seconds from one look at a stack to the next, by what each of its watched nodes said last."""
    if any(seen.silent or now - seen.at > SILENT_S for seen in last):
        return running.UNSAID_S
    return running.SELDOM_S if any(seen.troubled for seen in last) else running.PAUSE_S


class DrillFailedError(AssertionError):
    """A drill saw what it must not; the text says what."""


@dataclass(frozen=True, kw_only=True)
class Mark:
    """An instant of the drill: a fault, or its end."""

    at: float
    """Monotonic clock of this machine."""
    wall: float
    """Seconds since the epoch."""
    text: str
    """What happened, for the timeline."""


@dataclass
class Scene:
    """One run of one drill, as it is seen now; to act and to wait is for ``Stage``."""

    stack: LiveStack
    plan: Plan
    pair: str
    """Name of the pair."""
    nodes: tuple[str, str]
    """Both nodes, by id."""
    subject: Subject
    """What moves between them."""
    arp: Observations
    """Holders of the pair's VIPs."""
    watches: Mapping[str, NodeWatch]
    """Both nodes from within."""
    writes: Mapping[str, Writes]
    """The workload of each group, by its name."""
    say: Callable[[str], None]
    """One line of progress."""
    reads: Recorder | None = None
    """Reads through a splitter, where the pair's applications have one."""
    fenced_before: int = 0
    """Requests that the fence endpoint had been asked before the drill."""
    must_fence: set[str] = field(default_factory=set)
    """Nodes that have to be powered off in the course of it."""
    may_fence: set[str] = field(default_factory=set)
    """Nodes of which either is right."""
    marks: list[Mark] = field(default_factory=list)
    """What happened when."""
    apart: list[tuple[float, float]] = field(default_factory=list)
    """From when to when, by the wall clock, a pair without fencing could not hear itself."""
    rebuilt: set[str] = field(default_factory=set)
    """Nodes whose data were copied anew, because they had what nobody was told of."""
    own: dict[str, Finding] = field(default_factory=dict)
    """Invariants of this scenario alone, by name: what a control of it has to break."""
    lasts_s: float = 0.0
    """How long the fault lasts, for a drill that leaves it open."""

    @property
    def data(self) -> DataPlan:
        """What both nodes of a pair under Heartbeat share."""
        assert self.subject.data is not None
        return self.subject.data

    @property
    def fence(self) -> FencePlan:
        """How a silent node of the pair is made harmless."""
        assert self.subject.fence is not None
        return self.subject.fence

    @property
    def groups(self) -> tuple[Group, ...]:
        """All that has a VIP."""
        return self.subject.groups

    @property
    def group(self) -> Group:
        """The group that the drill is about: the first one of the pair."""
        return self.groups[0]

    @property
    def disk_group(self) -> ServiceGroup:
        """The first one that is on a disk, of a pair under Heartbeat."""
        return next(group for group in self.data.groups if group.disk is not None)

    def other(self, node: str) -> str:
        """A node's peer."""
        return self.nodes[1] if node == self.nodes[0] else self.nodes[0]

    def plans(self, first: str) -> tuple[NodePlan, NodePlan]:
        """The plans of both nodes, the named one first."""
        return self.plan.nodes[first], self.plan.nodes[self.other(first)]

    @property
    def client_network(self) -> str:
        """The network of the VIPs."""
        return self.data.heartbeat.client_interface

    @property
    def replication_network(self) -> str:
        """The network of the disks."""
        return self.data.drbd.resources[0].network

    @property
    def links(self) -> tuple[str, ...]:
        """Every network over which both nodes hear each other."""
        return self.subject.links

    def mark(self, text: str) -> None:
        """Note what happens now."""
        self.marks.append(Mark(at=time.monotonic(), wall=time.time(), text=text))
        self.say(text)

    def expect(self, holds: bool, sentence: str) -> None:
        """End the drill unless something holds.

        Raises:
            DrillFailedError: it does not.
        """
        if not holds:
            raise DrillFailedError(sentence)

    def keep(self, invariant: str, holds: bool, sentence: str) -> None:
        """Judge an invariant of this scenario alone, and go on; one that broke stays broken."""
        found = self.own.setdefault(invariant, Finding(verdict=Verdict.PASS))
        if not holds and found.verdict is Verdict.PASS:
            self.own[invariant] = Finding(verdict=Verdict.FAIL, reason=sentence)

    def holder_now(self, group: Group) -> str | None:
        """The node that has all of a group: it alone answers for the VIP, which comes last at a
        start, and it is Primary, or its server may be written to. None while the group moves.

        Read from the watchers, which run anyway: a look by ``pairwise status`` costs each machine a
        login, and an emulated one many seconds when the processors are busy.
        """
        samples = [s for s in self.arp.peek() if s["vip"] == str(group.vip)][-RECENT:]
        macs = {mac for sample in samples for mac in sample["macs"]}
        if len(macs) != 1:
            return None
        node = self.stack.node_of_mac(macs.pop())
        watch = self.watches.get(node)
        return node if watch is not None and self.subject.serves(group, watch.last) else None

    def pause_s(self) -> float:
        """From one look at the stack to the next, by what the nodes' own programs say: watchers
        hear it, which run anyway."""
        return pause_after([watch.last for watch in self.watches.values()], now=time.monotonic())

    def held_by(self, group: Group, *, since: Mark | None = None) -> list[str]:
        """Nodes that have held a group's VIP since a mark, the first one where none is given, in
        order; silence left out."""
        begin = since or (self.marks[0] if self.marks else None)
        samples = [s for s in self.arp.peek() if begin is None or s["at"] >= begin.wall]
        changes = holders(samples).get(str(group.vip), [])
        seen = [self.stack.node_of_mac(macs[0]) for _, macs in changes if macs]
        return [node for node, _ in groupby(seen)]

    def moved_from(
        self, node: str, groups: Sequence[Group], *, since: Mark | None = None
    ) -> list[str]:
        """A sentence for each group that another node, or nobody, has held since a mark, the first
        one where none is given."""
        held = {group.name: self.held_by(group, since=since) for group in groups}
        return [
            f"{name} was held by {seen}, not by {node} alone."
            for name, seen in held.items()
            if seen != [node]
        ]

    def expect_nothing_moved(self) -> None:
        """Each VIP has been with one node since the first mark.

        Raises:
            DrillFailedError: one has moved.
        """
        for group in self.groups:
            seen = self.held_by(group)
            sentence = f"group {group.name} moved: {' -> '.join(seen) or 'nobody held it'}"
            self.expect(len(seen) == 1, sentence)

    def expect_nobody_took_over(self, node: str) -> None:
        """No other node than this one has held a group since the first mark.

        Raises:
            DrillFailedError: one has.
        """
        for group in self.groups:
            seen = self.held_by(group)
            self.expect(set(seen) <= {node}, f"group {group.name} was taken over: {seen}")

    def expect_with(self, node: str) -> None:
        """What keepalived moves has been with one node since the first mark.

        Raises:
            DrillFailedError: it has not.
        """
        moved = self.moved_from(node, [g for g in self.groups if isinstance(g, Follower)])
        self.expect(not moved, " ".join(moved))

    def primaries(self, group: ServiceGroup) -> list[str]:
        """Nodes that are Primary for a group's disk by their last word, however old that is."""
        minor = self.data.resource_of(group).minor
        last = {node: watch.last for node, watch in self.watches.items()}
        return [node for node, seen in last.items() if seen.roles.get(minor) == PRIMARY]

    def fence_requests(self) -> list[dict[str, Any]]:
        """What the fence endpoint was asked in the course of the drill."""
        return self.stack.fence_requests()[self.fenced_before :]

    def powered_off(self) -> list[str]:
        """Nodes that were powered off in the course of the drill."""
        return powered_off(self.fence_requests())

    def expect_nobody_asked_off(self) -> None:
        """No node has asked for a power-off, not even in vain.

        Raises:
            DrillFailedError: one has.
        """
        asked = asked_off(self.fence_requests())
        self.expect(not asked, f"the fence endpoint was asked: {'; '.join(asked)}")
