"""What a drill is: a name, one sentence, what it applies to, how long it takes, what it does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from drills.stage import Stage
from drills.subject import Kind, Subject, kinds_of, subject_of
from stacks.model_data import FencingDevice
from stacks.plan_types import Plan

POWERED_OFF = frozenset({FencingDevice.HYPERVISOR})
"""Pairs whose silent node is powered off by the endpoint of its hypervisor."""
DOPD_ALONE = frozenset({FencingDevice.DOPD})
"""Pairs with the documents' fencing, which nothing powers off."""
UNFENCED = frozenset({None})
"""Pairs whose description has an empty list of fencing."""
ANY = frozenset({*FencingDevice, None})
"""All pairs."""
HEARTBEAT = frozenset({Kind.HEARTBEAT})
"""Pairs on DRBD."""
GTID = frozenset({Kind.GTID})
"""Pairs that replicate MySQL."""
VRRP = frozenset({Kind.VRRP})
"""Pairs whose VIPs keepalived moves, with no data behind them."""
MOST = 1.05
"""The median outage with our times is at most so many times that with a document's own."""
HALF = 0.5
"""The same after a process has died, and where the disk is taken over."""
BOTH = HEARTBEAT | GTID
"""Either; one that is both is drilled as a GTID pair."""


Bound = float | Callable[[Subject], float]
"""Seconds, or what they follow from."""


def bound_of(most: Bound, subject: Subject) -> float:
    """A bound in seconds."""
    return most(subject) if callable(most) else most


@dataclass(frozen=True, kw_only=True)
class Drill:
    """One entry of ``pairwise drill list``."""

    name: str
    """What is typed."""
    sentence: str
    """Subject, fault and expected result."""
    run: Callable[[Stage], None]
    """Brings the fault about under load, and raises where something is not as it must be."""
    seconds: int
    """How long a run takes under emulation with the machines to itself, steady state included."""
    groups: tuple[str, ...] = ()
    """Groups that the pair must have; the first one is what the drill is about."""
    most_groups: int | None = None
    """Largest number of groups for which the drill makes sense; none is any."""
    least_groups: int = 1
    """Smallest number of groups for which it does."""
    stall_s: Bound | None = None
    """Longest outage of any group that the drill allows; none where it only measures."""
    reads_stall_s: Bound | None = None
    """Longest time without a good answer that the drill allows where clients read all the time."""
    is_split: bool = False
    """Whether it is about pairs alone whose applications read and write through a splitter."""
    only: Callable[[Plan, str], object] | None = None
    """What else a pair must have, by the plan and its name; none: nothing."""
    most: float = MOST
    """What ``drill compare`` allows."""
    is_loaded: bool = True
    """Whether clients write all the time; not where the pair serves nobody in between."""
    kinds: frozenset[Kind] = HEARTBEAT
    """Pairs that it is for, by what is on them."""
    fencing: frozenset[FencingDevice | None] = ANY
    """Fencing of the pairs that it is for, by the first device of their description."""
    breaks: tuple[str, ...] = ()
    """What has to be seen to break, one of them at least, where the drill is run on a pair without
    its safety, as a control: names of invariants, or ``WRITES``. A drill that cannot fail proves
    nothing."""
    lasts_s: float | None = None
    """How long the fault lasts where that is a matter of choice (``--lasts``); else none."""

    @property
    def is_control(self) -> bool:
        """Whether it is run on a pair without its safety."""
        return bool(self.breaks)

    def lasting(self, seconds: float) -> Drill:
        """The same drill with a fault that lasts so long; only where that is a matter of choice."""
        assert self.lasts_s is not None
        whole = round(self.seconds - self.lasts_s + seconds)
        return replace(self, lasts_s=seconds, seconds=whole)

    def applies(self, plan: Plan) -> bool:
        """Whether a stack has a pair that the drill is about."""
        return self.pair_of(plan) is not None

    def pair_of(self, plan: Plan) -> tuple[str, Subject] | None:
        """The first pair that the drill is about, and as what; none when there is none."""
        for name, subject in self.subjects(plan):
            if first_device(subject) not in self.fencing:
                continue
            if self.is_split and not splitters_of(plan, name):
                continue
            if self.only is not None and not self.only(plan, name):
                continue
            names = {group.name for group in subject.written}
            enough = self.least_groups <= len(names) <= (self.most_groups or len(names))
            if enough and set(self.groups) <= names:
                return name, subject
        return None

    def subjects(self, plan: Plan) -> Iterator[tuple[str, Subject]]:
        """Each pair of a kind that the drill is for, and as what."""
        for name, part in plan.deploys.items():
            kinds = [kind for kind in kinds_of(part) if kind in self.kinds]
            if kinds:
                yield name, subject_of(plan, name, kinds[0])


def splitters_of(plan: Plan, pair: str) -> tuple[str, ...]:
    """Nodes whose application uses a pair through a splitter of its own, the pair's own first."""
    found = [n for n in plan.nodes.values() if n.split is not None and n.split.pair == pair]
    return tuple(node.name for node in sorted(found, key=lambda n: (n.member != pair, n.id)))


def page_of(plan: Plan, pair: str) -> str:
    """A page that clients get from a pair's directors; empty: they are none, or serve no pages."""
    director = plan.deploys[pair].first.director
    services = director.services if director is not None else ()
    asked = [s for s in services if s.has_page]
    return f"http://{asked[0].vip}:{asked[0].port}/" if asked else ""


def first_device(subject: Subject) -> FencingDevice | None:
    """How a silent node of a pair is made harmless, before anything else is tried."""
    return next(iter(subject.fence.devices), None) if subject.fence is not None else None
