"""What a scenario acts on and asks of: one pair under load, watched from outside."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from drills.checkers import asked_off, powered_off
from drills.faults import rebuild_quarantined, start_again
from drills.inside import NodeWatch
from drills.observe import Observations, holders
from drills.running import LiveStack
from drills.subject import PRIMARY, Follower, Group, Subject
from drills.wait import wait_until
from drills.workloads.recorder import Recorder, Writes
from stacks.plan_data_types import DataPlan, FencePlan, ServiceGroup
from stacks.plan_types import NodePlan, Plan

MOVE_S = 300
"""A take-over takes half a minute under emulation; others may keep the processors busy."""
RECENT = 10
"""ARP samples, two seconds of them, that say who holds a VIP now."""
STEADY_S = 600
"""A node that was powered off boots, resyncs and is met again, with others beside it."""
OFF_S = 120
"""From a fault to the power-off that it calls for: dead time, hesitation, the endpoint's answer, on
a machine that is busy otherwise."""
AGAIN = 10
"""Writes after a planned move: clients have found the new holder."""
ENOUGH = 20
"""Acknowledged writes, four seconds of them, that say that clients are served again."""


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
class Stage:
    """One run of one drill."""

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

    @property
    def active(self) -> str:
        """The node that holds the drill's group."""
        return self.holder(self.group)

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
        seen = self.watches[node].samples()[-1:] if node in self.watches else []
        return node if seen and self.subject.serves(group, seen[0]) else None

    def holder(self, group: Group) -> str:
        """The node that has all of a group, once one has."""
        what = f"a holder of group {group.name}"
        found = wait_until(lambda: self.holder_now(group), what=what, timeout_s=MOVE_S, every_s=1)
        return str(found)

    def placed(self) -> dict[str, str]:
        """Holder of each group."""
        return {group.name: self.holder(group) for group in self.groups}

    def gather(self, node: str) -> None:
        """Have one node hold every group, and clients write again: the fault comes after that."""
        if set(self.placed().values()) != {node}:
            self.switch(node)
            self.writes_go_on(AGAIN)

    def spread(self) -> None:
        """Have each group where it is preferred, which is one on each node where there are two, and
        clients write again."""
        for group in self.subject.written:
            if self.holder(group) != group.prefers:
                self.switch(group.prefers, group.name)
                self.writes_go_on(AGAIN)

    def switch(self, node: str, group: str = "") -> None:
        """``pairwise switchover`` of one group, or of all, to a node."""
        what = f"{self.pair}/{group}" if group else self.pair
        self.stack.pairwise("switchover", self.stack.name, what, "--to", node)

    def writes_go_on(self, count: int = ENOUGH, *, groups: Sequence[str] | None = None) -> None:
        """Wait until so many more writes were acknowledged, by each group or by those named."""
        for name, recorder in self.writes.items():
            if groups is None or name in groups:
                recorder.wait_for_more(count, timeout_s=MOVE_S)

    def held_by(self, group: Group, *, since: Mark | None = None) -> list[str]:
        """Nodes that have held a group's VIP since a mark, the first one where none is given, in
        order; silence left out."""
        begin = since or (self.marks[0] if self.marks else None)
        samples = [s for s in self.arp.peek() if begin is None or s["at"] >= begin.wall]
        changes = holders(samples).get(str(group.vip), [])
        seen = [self.stack.node_of_mac(macs[0]) for _, macs in changes if macs]
        return [node for node, _ in groupby(seen)]

    def expect_nothing_moved(self) -> None:
        """Each VIP has been with one node since the first mark.

        Raises:
            DrillFailedError: one has moved.
        """
        for group in self.groups:
            seen = self.held_by(group)
            sentence = f"group {group.name} moved: {' -> '.join(seen) or 'nobody held it'}"
            self.expect(len(seen) == 1, sentence)

    def expect_at(self, group: Group, node: str) -> None:
        """A group is with a node.

        Raises:
            DrillFailedError: it is elsewhere.
        """
        found = self.holder(group)
        self.expect(found == node, f"group {group.name} is on {found} and not on {node}")

    def wait_until_at(self, group: Group, node: str) -> None:
        """Wait until a node has all of a group."""
        what = f"group {group.name} to be on {node}"
        wait_until(lambda: self.holder_now(group) == node, what=what, timeout_s=MOVE_S, every_s=1)

    def expect_all_at(self, node: str) -> None:
        """Every group is with a node.

        Raises:
            DrillFailedError: one is elsewhere.
        """
        for group in self.groups:
            self.expect_at(group, node)

    def wait_until_all_at(self, node: str) -> None:
        """Wait until a node has all of every group."""
        for group in self.groups:
            self.wait_until_at(group, node)

    def expect_nobody_took_over(self, node: str) -> None:
        """No other node than this one has held a group since the first mark.

        Raises:
            DrillFailedError: one has.
        """
        for group in self.groups:
            seen = self.held_by(group)
            self.expect(set(seen) <= {node}, f"group {group.name} was taken over: {seen}")

    def primaries(self, group: ServiceGroup) -> list[str]:
        """Nodes that are Primary for a group's disk by their last word, however old that is."""
        minor = self.data.resource_of(group).minor
        last = {node: watch.samples()[-1:] for node, watch in self.watches.items()}
        return [node for node, seen in last.items() if seen and seen[0].roles.get(minor) == PRIMARY]

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

    def expect_with(self, node: str) -> None:
        """What keepalived moves has been with one node since the first mark.

        Raises:
            DrillFailedError: it has not.
        """
        self.expect_stayed([g for g in self.groups if isinstance(g, Follower)], node)

    def expect_stayed(
        self, groups: Sequence[Group], node: str, *, since: Mark | None = None
    ) -> None:
        """Some groups have been with one node since a mark, the first one where none is given.

        Raises:
            DrillFailedError: one has not.
        """
        for group in groups:
            seen = self.held_by(group, since=since)
            self.expect(seen == [node], f"{group.name} was held by {seen}, not by {node} alone")

    def wait_until_off(self, *nodes: str, timeout_s: float = OFF_S) -> str:
        """Wait until one of these machines is off, by whoever asked for it; returns which."""

        def off() -> str:
            return next((n for n in nodes if self.stack.machine_state(n) == "shut off"), "")

        what = f"{' or '.join(nodes)} to be off"
        found = wait_until(off, what=what, timeout_s=timeout_s)
        self.say(f"{found} is off")
        return found

    def wait_for_problem(self, words: str, *, timeout_s: float) -> str:
        """Wait until ``status`` names a problem that holds these words; the whole sentence."""

        def named() -> str:
            found = [text for text in self.stack.status()["problems"] if words in text]
            return found[0] if found else ""

        what = f"`status` to say {words!r}"
        return wait_until(named, what=what, timeout_s=timeout_s, every_s=5)

    def wait_until_steady(self, *, timeout_s: float = STEADY_S) -> None:
        """Wait until ``status`` finds nothing wrong, rebuilding what a power cut has left."""
        self.stack.wait_until_steady(timeout_s=timeout_s, mend=self._rebuild)

    def wait_until_steady_again(self, *, timeout_s: float = STEADY_S) -> None:
        """The same where a node may have been powered off meanwhile: it is started, for nobody else
        does that."""
        self.stack.wait_until_steady(
            timeout_s=timeout_s,
            before=lambda: start_again(self.stack, self.nodes),
            mend=self._rebuild,
        )

    def _rebuild(self, problems: Sequence[str]) -> None:
        """A source that lost its power regularly has a transaction that nobody was told of: it is
        quarantined, and has its data copied anew by the command that ``status`` names."""
        rebuild_quarantined(self.stack, problems, self.rebuilt, say=self.say)
