"""A source that is alone waits for its replica again once that is seconds behind, and no sooner."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bootstrap.blocks.gtid_pair.program.reconcile import BEHIND_S, decide
from bootstrap.blocks.gtid_pair.program.remember import after
from bootstrap.blocks.gtid_pair.program.seen import Memory, Observation, Server
from bootstrap.blocks.gtid_pair.program.step import Errant, Settings, Step
from bootstrap.shared.gtids import Gtids, parse

SETTINGS = Settings(first=True, silence_s=8, restart_s=30, errant=Errant.ASK)
SOURCE = Server(uuid="a", life="1/1", read_only=False, executed=Gtids(), waits=False, clients=1)
REPLICA = Server(
    uuid="b", life="", read_only=True, executed=Gtids(), acks=True, follows=True, connected=True
)


def waits_after(looks: int, *, behind: int, unanswered: int = -1) -> int | None:
    """The look, one each second, at which the source waits; it executes one transaction a second.

    Args:
        looks: at most. behind: transactions that the replica lacks at each of them.
        unanswered: the look at which the own server gives no answer.
    """
    memory = Memory()
    for look in range(1, looks):
        source = replace(SOURCE, executed=parse(f"a:1-{100 + look}"))
        replica = replace(REPLICA, executed=parse(f"a:1-{100 + look - behind}"))
        own = None if look == unanswered else source
        seen = Observation(own=own, peer=replica, vip=True)
        decision = decide(SETTINGS, memory, seen, float(look))
        if decision.step is Step.WAIT:
            return look
        memory = after(decision.memory, decision.step, seen)
    return None


@pytest.mark.parametrize("behind", [1, 3, int(BEHIND_S)])
def test_one_that_is_always_seconds_behind_is_waited_for(behind: int) -> None:
    assert waits_after(60, behind=behind) == 1 + behind


def test_one_that_is_further_behind_is_not() -> None:
    assert waits_after(120, behind=int(BEHIND_S) + 1) is None
    assert waits_after(120, behind=40) is None


def test_a_look_without_the_own_server_s_answer_measures_nothing() -> None:
    assert waits_after(60, behind=3, unanswered=3) == 4 + 3
    assert waits_after(60, behind=40, unanswered=3) is None
