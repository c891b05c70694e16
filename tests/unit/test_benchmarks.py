"""Stacks that benchmarks bring up can be planned: told before half an hour on machines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks import forwarding, services
from drills.described import write_changed
from stacks.load import load_stack, stack_file
from stacks.plan import make_plan


@pytest.mark.parametrize(
    ("stack", "changes"),
    [
        ("lvs", (forwarding.ALONE,)),
        ("lvs", (forwarding.ALONE, forwarding.TUN)),
        ("lvs", (forwarding.ALONE, forwarding.NAT)),
        ("six", (forwarding.NGINX,)),
        ("lvs", ({"put": services.many(services.SERVICES)},)),
    ],
)
def test_a_changed_description_means_something(
    stack: str, changes: tuple[dict[str, Any], ...], tmp_path: Path
) -> None:
    write_changed(tmp_path, stack, *changes)
    assert make_plan(load_stack(stack_file(tmp_path, stack))).nodes
