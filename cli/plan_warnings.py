"""What a description allows and a person should know before it runs: pure sentences."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.model_data import FencingDevice
from stacks.plan_data_types import DataPlan, DrbdFencing
from stacks.plan_types import DeployPlan, Plan

WORTH = {
    DrbdFencing.RESOURCE_AND_STONITH: "",
    DrbdFencing.RESOURCE_ONLY: "dopd only: no protection when all links are cut",
    DrbdFencing.DONT_CARE: "none: a take-over may lose acknowledged writes",
}
"""What a pair's fencing is worth, where it is not the whole one."""


def warnings(plan: Plan) -> list[str]:
    """One sentence for each thing that is allowed and unsafe."""
    return [text for part in plan.deploys.values() for text in _of_pair(plan, part)]


def _of_pair(plan: Plan, part: DeployPlan) -> Iterator[str]:
    data: DataPlan | None = part.first.data
    if data is None:
        return
    where = f"Warning: pairs.{part.deploy}.fencing of {plan.stack}"
    worth = WORTH[data.drbd.fencing]
    if worth:
        yield f"{where} is {worth}; write `[hypervisor, confirm]` where data matter."
    spans = len({plan.hypervisors[node.hypervisor] for node in part.nodes.values()}) > 1
    if spans and data.fence.devices == (FencingDevice.HYPERVISOR,):
        yield (
            f"{where} has the hypervisor alone, and its nodes are on two: when one of those dies"
            " with its node, nothing is taken over and no command helps; add `confirm`."
        )
