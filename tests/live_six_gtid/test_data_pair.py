"""Two managers and one fence endpoint: who is fenced by the reconciler gives NFS away by Heartbeat.

The pair with one web machine, for a drill judges how long reads stand still until the peer is back:
of six emulated machines on two processors a booting one takes the others' (docs/measured.md).
"""

from __future__ import annotations

import pytest

from drills.running import LiveStack
from tests.on_machines import assert_drill_passes

CORE = ("freeze-replica-busy", "source-power-cut")
"""What reconciler and Heartbeat do alone is drilled on stacks duo and six."""


@pytest.mark.calm
@pytest.mark.parametrize("name", CORE)
def test_drill_passes(data_gtid: LiveStack, name: str) -> None:
    assert_drill_passes(data_gtid, name)
