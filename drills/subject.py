"""What a drill is about: what moves between the nodes of a pair, and what must hold of it.

A pair under Heartbeat has groups; a GTID pair has its source, further VIPs that follow it, and the
groups under Heartbeat beside it where there are any; any other pair under keepalived has VIPs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address
from typing import Protocol

from drills import invariants
from drills.inside import Sample
from drills.invariants import Finding
from drills.timeline import group_starts, source_starts
from stacks.plan_data_types import DataPlan, FencePlan, ServiceGroup
from stacks.plan_gtid_types import SOURCE, GtidPlan
from stacks.plan_types import DeployPlan, Plan

PRIMARY = "Primary"
"""DRBD's word for the node that may write."""
BRIEF_S = 1.0
"""Two holders of a VIP that nothing but connections hang on, after a thaw or a return."""
HESITATES = "-"
"""The place in the survivor's order of a node that holds nothing (stacks.plan_data)."""


class Kind(StrEnum):
    """What a pair is drilled as."""

    HEARTBEAT = "heartbeat"
    """Groups on DRBD under Heartbeat."""
    GTID = "gtid"
    """MySQL replicated by GTID under keepalived, and whatever else is on its nodes."""
    VRRP = "vrrp"
    """VIPs under keepalived and no data behind them: nobody is powered off."""


class Group(Protocol):
    """Something with a VIP that one node has at a time."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def vip(self) -> IPv4Address:
        """Its VIP."""

    @property
    def prefers(self) -> str:
        """Node that holds it in steady state."""

    @property
    def interface(self) -> str:
        """Network of its VIP."""


@dataclass(frozen=True, kw_only=True)
class Follower:
    """A VIP without a service of its own that is watched."""

    name: str
    """Of the VIP."""
    vip: IPv4Address
    """From the description."""
    prefers: str
    """From the description."""
    interface: str
    """Its network."""


@dataclass(frozen=True, kw_only=True)
class Source(Follower):
    """The source of a GTID pair, with the VIP that its clients use."""


@dataclass(frozen=True, kw_only=True)
class Subject:
    """One pair as a drill sees it."""

    kind: Kind
    """As what it is drilled."""
    groups: tuple[Group, ...]
    """All that has a VIP; the first one is what the drill is about."""
    links: tuple[str, ...]
    """Every network over which both nodes hear each other, management apart."""
    dead_s: float
    """Silence after which a node counts as dead; of a GTID pair, its peer's hesitation included."""
    off_s: float
    """Silence after which a node whose machine is on is powered off, in either kind of pair: its
    peer hesitates first."""
    fence: FencePlan | None
    """How a silent node is made harmless; none where it can do no harm."""
    brief_s: float = 0.0
    """Time for which two nodes may hold a VIP: where nobody is powered off, one that stood still
    has it until it has heard the other one."""
    data: DataPlan | None = None
    """What both nodes share under Heartbeat."""
    gtid: GtidPlan | None = None
    """What they share by GTID."""

    @property
    def written(self) -> tuple[Group, ...]:
        """The groups that clients write to, and that can be moved."""
        return tuple(g for g in self.groups if isinstance(g, Source) or _has_disk(g))

    @property
    def vips(self) -> Mapping[str, tuple[str, ...]]:
        """VIPs by network."""
        networks = dict.fromkeys(group.interface for group in self.groups)
        return {
            name: tuple(str(group.vip) for group in self.groups if group.interface == name)
            for name in networks
        }

    def group(self, name: str) -> Group:
        """One of the groups."""
        return next(group for group in self.groups if group.name == name)

    def serves(self, group: Group, sample: Sample) -> bool:
        """Whether a node has what belongs to a VIP, by what it said last."""
        if isinstance(group, Source):
            return sample.writable is True
        if isinstance(group, ServiceGroup) and _has_disk(group) and self.data is not None:
            return sample.roles.get(self.data.resource_of(group).minor) == PRIMARY
        return True

    def waits(self, node: str, peer: str) -> str:
        """Words of ``status`` while a node cannot take over from its silent peer."""
        if self.kind is Kind.GTID:
            return f"{node} is not source yet"
        return f"waits for fencing of {peer}"

    def starts(self, group: Group) -> dict[str, str]:
        """Part of a take-over -> pattern of the journal's line that begins it."""
        if isinstance(group, ServiceGroup):
            return group_starts(group)
        return source_starts(group.name if self.gtid is None else self.gtid.vip)

    @property
    def invariants(self) -> Mapping[str, Callable[[Sequence[Sample]], Finding]]:
        """What must hold of both nodes' samples all the time, VIPs apart."""
        found: dict[str, Callable[[Sequence[Sample]], Finding]] = {}
        if self.gtid is not None:
            found[invariants.ONE_SOURCE] = invariants.one_source
        if self.data is not None:
            found[invariants.ONE_PRIMARY] = invariants.one_primary
            if self.data.mysql is not None:
                found[invariants.ONE_MYSQLD] = invariants.one_mysqld
        return found


def _has_disk(group: Group) -> bool:
    return isinstance(group, ServiceGroup) and group.disk is not None


def subject_of(plan: Plan, pair: str, kind: Kind) -> Subject:
    """A pair as a drill of a kind sees it."""
    part = plan.deploys[pair]
    node = part.first
    if kind is Kind.HEARTBEAT:
        assert node.data is not None
        heartbeat = node.data.heartbeat
        return Subject(
            kind=kind,
            # What a drill is about comes first: a group that is written to.
            groups=tuple(sorted(node.data.groups, key=lambda group: not _has_disk(group))),
            links=tuple(link.interface for link in heartbeat.links),
            dead_s=heartbeat.deadtime_s,
            off_s=heartbeat.deadtime_s + node.data.fence.delays_s[HESITATES],
            fence=node.data.fence,
            data=node.data,
        )
    if kind is Kind.VRRP:
        assert node.keepalived is not None
        silence_s = max(instance.takeover_s for instance in node.keepalived.instances)
        return Subject(
            kind=kind,
            groups=tuple(_of_keepalived(plan, pair)),
            links=_shared(plan, part),
            dead_s=silence_s,
            off_s=silence_s,
            fence=None,
            brief_s=BRIEF_S,
        )
    assert node.gtid is not None
    off_s = node.gtid.silence_s + node.gtid.fence.delays_s[HESITATES]
    return Subject(
        kind=kind,
        groups=(
            *_of_keepalived(plan, pair, source=node.gtid.vip),
            *(node.data.groups if node.data else ()),
        ),
        links=_shared(plan, part),
        dead_s=off_s,
        off_s=off_s,
        fence=node.gtid.fence,
        data=node.data,
        gtid=node.gtid,
    )


def _of_keepalived(plan: Plan, pair: str, *, source: str = "") -> list[Group]:
    """The source first, where the pair has one, then the other VIPs."""
    known = plan.deploys[pair].first.keepalived
    names = {instance.name for instance in known.instances} if known is not None else set()
    vips = sorted(
        (vip for vip in plan.vips if vip.pair == pair and vip.name in names),
        key=lambda vip: vip.name != source,
    )
    found: list[Group] = []
    for vip in vips:
        kind = Source if vip.name == source else Follower
        name = SOURCE if kind is Source else vip.name
        found.append(kind(name=name, vip=vip.address, prefers=vip.prefers, interface=vip.network))
    return found


def _shared(plan: Plan, part: DeployPlan) -> tuple[str, ...]:
    """Networks of both nodes, management apart."""
    sets = [{i.network for i in node.interfaces} for node in part.nodes.values()]
    return tuple(sorted(set.intersection(*sets) - {plan.management}))


def kinds_of(part: DeployPlan) -> tuple[Kind, ...]:
    """As what a pair can be drilled, GTID first; nothing for any other pair or tier."""
    node = part.first
    found = [
        (Kind.GTID, node.gtid is not None),
        (Kind.HEARTBEAT, node.data is not None),
        (Kind.VRRP, node.keepalived is not None and node.gtid is None),
    ]
    return tuple(kind for kind, there in found if there)
