"""A stack that is only pretended: what faults tell nft, virsh and the machines is heard."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass, field

import pytest

from tests.golden.tree import plans

PLAN = plans()["nfs"]
PAIR = PLAN.nodes["nfs1"], PLAN.nodes["nfs2"]


@dataclass
class Heard:
    """What was asked of the outside."""

    nft: list[str] = field(default_factory=list)
    virsh: list[tuple[str, ...]] = field(default_factory=list)
    inside: list[tuple[str, str]] = field(default_factory=list)
    started: list[str] = field(default_factory=list)
    ups: list[str] = field(default_factory=list)
    known: list[str] = field(default_factory=lambda: [n.machine for n in PLAN.nodes.values()])
    volumes: str = ""
    states: dict[str, str] = field(default_factory=dict)


def fails_inside(fault: AbstractContextManager[None]) -> None:
    """Go through a fault during which something fails: it must heal all the same."""
    with pytest.raises(RuntimeError, match="on purpose"), fault:
        raise RuntimeError("on purpose")
