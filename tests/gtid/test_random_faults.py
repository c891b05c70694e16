"""Two reconcilers under random faults never acknowledge twice and never lose a write.

The search is its own, seeded: a failure prints the seed and the last steps. Each rule of the
invariant is taken away in turn, and the same search must find out.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from bootstrap.blocks.gtid_pair.program import reconcile
from bootstrap.blocks.gtid_pair.program import remember as knowing
from bootstrap.blocks.gtid_pair.program.seen import Memory, Observation, Server
from bootstrap.blocks.gtid_pair.program.step import Settings, Step
from tests.gtid.faults import faults
from tests.gtid.node import Node
from tests.gtid.pair import NAMES, Pair, ViolationError, steady

EVENTS = 1000
"""In one life."""


def live(seed: int) -> tuple[Pair, random.Random]:
    chance = random.Random(seed)
    pair = steady(source=chance.choice(NAMES))
    try:
        for _ in range(EVENTS):
            faults(pair, chance)
    except ViolationError as violation:
        last = "\n".join(pair.trace[-12:])
        raise ViolationError(f"seed {seed}: {violation}\n{last}") from violation
    return pair, chance


@pytest.mark.parametrize("group", range(4))
def test_no_random_life_breaks_the_invariant_and_each_ends_with_a_source(group: int) -> None:
    for seed in range(group * 15, group * 15 + 15):
        pair, _ = live(seed)
        pair.heal()
        pair.run(3)
        pair.heal()  # A request that was on its way may have powered one off.
        done = pair.becomes_steady(90)
        reasons = [node.memory.quarantined for node in pair.nodes.values()]
        assert done or all("both nodes" in why for why in reasons), (seed, pair.trace[-12:])


Plant = Callable[[pytest.MonkeyPatch], None]


def without_applier_wait(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(reconcile, "_open", lambda _: None)


def without_grant(patch: pytest.MonkeyPatch) -> None:
    whole = knowing.remember

    def remember(memory: Memory, seen: Observation, now: float) -> Memory:
        return replace(whole(memory, seen, now), granted=seen.peer is None)

    patch.setattr(reconcile, "remember", remember)


def with_timeout(patch: pytest.MonkeyPatch) -> None:
    """Semi-synchronous replication that gives up waiting: the documents' choice."""

    def alone(*_: object) -> tuple[Step, str]:
        return Step.GO_ALONE, "timeout"

    patch.setattr(reconcile, "_source_without_answer", alone)


def without_being_current(patch: pytest.MonkeyPatch) -> None:
    whole = knowing.remember

    def remember(memory: Memory, seen: Observation, now: float) -> Memory:
        return replace(whole(memory, seen, now), current=True)

    patch.setattr(reconcile, "remember", remember)


def without_comparing(patch: pytest.MonkeyPatch) -> None:
    """The VIP alone promotes, whatever the peer has more."""
    whole = reconcile._both_read_only

    def both(
        settings: Settings,
        memory: Memory,
        seen: Observation,
        own: Server,
        peer: Server,
        now: float,
    ) -> tuple[Step, str]:
        if seen.vip:
            return Step.OPEN, "the VIP is here"
        return whole(settings, memory, seen, own, peer, now)

    patch.setattr(reconcile, "_both_read_only", both)


def with_a_word_that_lasts(patch: pytest.MonkeyPatch) -> None:
    """A copy that was asked for is made whoever is ahead by then."""
    whole = Pair.do

    def do(pair: Pair, node: Node, step: Step) -> bool:
        asked = node.rebuild
        done = whole(pair, node, step)
        node.rebuild = node.rebuild or (asked and step is Step.OPEN)
        return done

    def ask_for_copy(pair: Pair, name: str) -> None:
        node = pair.nodes[name]
        node.rebuild = node.rebuild or (node.on and node.read_only)

    patch.setattr(Pair, "do", do)
    patch.setattr(Pair, "ask_for_copy", ask_for_copy)
    patch.setattr(reconcile, "_is_replaced", lambda _, seen, *__: seen.rebuild)


def with_a_forced_shutdown(patch: pytest.MonkeyPatch) -> None:
    """What mysqld does by itself: at its end a waiting write is acknowledged all the same."""
    whole = Pair.end_mysqld

    def end_mysqld(pair: Pair, name: str) -> None:
        node = pair.nodes[name]
        if node.runs and not node.read_only:
            pair.acknowledged |= node.pending
        whole(pair, name)

    patch.setattr(Pair, "end_mysqld", end_mysqld)


@pytest.mark.parametrize(
    "plant",
    [
        without_applier_wait,
        without_grant,
        with_timeout,
        without_being_current,
        without_comparing,
        with_a_word_that_lasts,
        with_a_forced_shutdown,
    ],
)
def test_the_search_finds_a_rule_that_is_missing(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(monkeypatch)
    with pytest.raises(ViolationError):
        for seed in range(400):
            live(seed)
