"""What the plan tells the machines about the fence endpoint is what the lab runs."""

from __future__ import annotations

from lab import fence
from stacks import addressing


def test_the_plan_names_the_same_endpoint() -> None:
    assert (addressing.FENCE_PORT, addressing.FENCE_USER) == (fence.PORT, fence.USER)
