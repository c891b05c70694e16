"""Stack lvs under other descriptions, each brought into force on the running machines: as many
services as issue 7 counts, and a node that stands in for the pages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from drills.described import in_force
from drills.running import LiveStack
from tests.on_machines import assert_drill_passes, assert_unchanged

pytestmark = pytest.mark.load

MORE_VIPS = {f"w{number}": f"10.75.1.{220 + number}" for number in range(7)}
"""Each with pages and MySQL: 14 services beside the stack's own two."""


def _sixteen() -> dict[str, Any]:
    put: dict[str, Any] = {}
    for name, address in MORE_VIPS.items():
        put[f"pairs.directors.vips.{name}"] = {
            "address": address,
            "network": "lan",
            "prefers": "server1",
            "manager": "heartbeat",
        }
        put[f"pairs.directors.director.services.{name}"] = {
            "vip": name,
            "port": 80,
            "servers": {"web": 1},
            "probe": {"kind": "http", "request": "/app/health", "receive": "sessions"},
        }
        put[f"pairs.directors.director.services.{name}-rows"] = {
            "vip": name,
            "port": 3306,
            "servers": {"web": 1},
            "probe": {"kind": "connect"},
        }
    return put


@pytest.fixture(scope="module")
def sixteen(running_lvs: LiveStack) -> Iterator[LiveStack]:
    with in_force(running_lvs, put=_sixteen()) as stack:
        yield stack


@pytest.mark.calm
def test_sixteen_services_leave_nothing_to_do(sixteen: LiveStack) -> None:
    director = sixteen.plan.deploys["directors"].first.director
    assert director is not None and len(director.services) == 16
    assert_unchanged(sixteen)


@pytest.mark.calm
@pytest.mark.parametrize(
    "name", ["real-server-stopped", "real-server-wrong", "real-server-power-cut"]
)
def test_real_server_leaves_sixteen_services_in_time(sixteen: LiveStack, name: str) -> None:
    """Interval and timeout hold whatever the number: no probe waits for another."""
    assert_drill_passes(sixteen, name)


@pytest.mark.calm
def test_fallback_answers_while_no_real_server_does(running_lvs: LiveStack) -> None:
    put = {
        "pairs.directors.director.services.www.servers": {"server3": 1},
        "pairs.directors.director.services.www.fallback": "server4",
    }
    with in_force(running_lvs, put=put) as stack:
        assert_drill_passes(stack, "fallback")
