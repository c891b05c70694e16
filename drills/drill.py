"""What a drill is: a name, one sentence, what it applies to, how long it takes, what it does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from drills.stage import Stage
from stacks.plan_types import DeployPlan, Plan


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

    def applies(self, plan: Plan) -> bool:
        """Whether a stack has a pair that the drill is about."""
        return self.pair_of(plan) is not None

    def pair_of(self, plan: Plan) -> str | None:
        """Name of the first pair that the drill is about; none when there is none."""
        for name, part in plan.deploys.items():
            names = groups_of(part)
            enough = self.least_groups <= len(names) <= (self.most_groups or len(names))
            if names and enough and set(self.groups) <= set(names):
                return name
        return None


def groups_of(part: DeployPlan) -> tuple[str, ...]:
    """Names of the groups under Heartbeat of a pair or tier; empty for one that has none."""
    data = next(iter(part.nodes.values())).data
    return tuple(group.name for group in data.groups) if data is not None else ()
