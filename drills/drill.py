"""What a drill is: a name, one sentence, what it applies to, how long it takes, what it does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from drills.stage import Stage
from stacks.model_data import FencingDevice
from stacks.plan_data_types import DataPlan
from stacks.plan_types import DeployPlan, Plan

POWERED_OFF = frozenset({FencingDevice.HYPERVISOR})
"""Pairs whose silent node is powered off by the endpoint of its hypervisor."""
DOPD_ALONE = frozenset({FencingDevice.DOPD})
"""Pairs with the documents' fencing, which nothing powers off."""
UNFENCED = frozenset({None})
"""Pairs whose description has an empty list of fencing."""
ANY = frozenset({*FencingDevice, None})
"""All pairs."""


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
    stall_s: float | None = None
    """Longest outage of any group that the drill allows; none where it only measures."""
    is_loaded: bool = True
    """Whether clients write all the time; not where the pair serves nobody in between."""
    fencing: frozenset[FencingDevice | None] = ANY
    """Fencing of the pairs that it is for, by the first device of their description."""
    is_control: bool = False
    """Whether it is run on a pair without its safety, which has to be seen to break: a row is lost,
    or two nodes hold what only one may. A drill that cannot fail proves nothing."""
    lasts_s: float | None = None
    """How long the fault lasts where that is a matter of choice (``--lasts``); else none."""

    def lasting(self, seconds: float) -> Drill:
        """The same drill with a fault that lasts so long; only where that is a matter of choice."""
        assert self.lasts_s is not None
        whole = round(self.seconds - self.lasts_s + seconds)
        return replace(self, lasts_s=seconds, seconds=whole)

    def applies(self, plan: Plan) -> bool:
        """Whether a stack has a pair that the drill is about."""
        return self.pair_of(plan) is not None

    def pair_of(self, plan: Plan) -> str | None:
        """Name of the first pair that the drill is about; none when there is none."""
        for name, part in plan.deploys.items():
            data = data_of(part)
            if data is None or first_device(data) not in self.fencing:
                continue
            names = {group.name for group in data.groups}
            enough = self.least_groups <= len(names) <= (self.most_groups or len(names))
            if enough and set(self.groups) <= names:
                return name
        return None


def data_of(part: DeployPlan) -> DataPlan | None:
    """What both nodes of a pair under Heartbeat share; none for any other pair or tier."""
    return next(iter(part.nodes.values())).data


def first_device(data: DataPlan) -> FencingDevice | None:
    """How a silent node of a pair is made harmless, before anything else is tried."""
    return next(iter(data.fence.devices), None)
