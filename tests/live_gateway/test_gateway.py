"""Stack gateway: document 004's own test, through packets inside packets (``tun``)."""

from __future__ import annotations

import json

import pytest

from drills.running import LiveStack
from tests.on_machines import assert_unchanged


@pytest.mark.calm
def test_up_leaves_nothing_to_do(gateway: LiveStack) -> None:
    assert_unchanged(gateway)


@pytest.mark.calm
def test_verify_passes(gateway: LiveStack) -> None:
    gateway.pairwise("verify", "gateway")


@pytest.mark.calm
def test_every_port_answers_before_and_after_the_active_director_reboots(
    gateway: LiveStack,
) -> None:
    done = gateway.pairwise(
        "drill", "run", "gateway", "director-reboot", "--json", check=False, timeout_s=1200
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr[-4000:]}"
    assert json.loads(done.stdout)["verdict"] == "pass"
