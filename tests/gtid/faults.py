"""Random events in the life of a pair, each with its share."""

from __future__ import annotations

import random
from collections.abc import Callable

from tests.gtid.pair import NAMES, Pair

VIPS = (("a",), ("b",), ("a", "b"), (), ("a",), ("b",))
PAUSES_S = (0.2, 1, 1, 4)


def tick(pair: Pair, chance: random.Random) -> None:
    pair.now += chance.choice(PAUSES_S)


def endpoint(pair: Pair) -> None:
    pair.endpoint = not pair.endpoint


def freeze(pair: Pair, name: str) -> None:
    pair.nodes[name].frozen = pair.nodes[name].on


def thaw(pair: Pair, name: str) -> None:
    pair.nodes[name].frozen = False


def stand_by(pair: Pair, name: str, *, wanted: bool) -> None:
    pair.nodes[name].standby = wanted and pair.nodes[name].on


Event = Callable[[Pair, str, random.Random], object]
EVENTS: dict[Event, float] = {
    lambda pair, name, _: pair.look(name): 24,
    lambda pair, name, _: pair.act(name): 24,
    lambda pair, _, chance: tick(pair, chance): 14,
    lambda pair, name, _: pair.write(name): 10,
    lambda pair, name, _: pair.receive(name): 12,
    lambda pair, name, _: pair.apply(name): 8,
    lambda pair, name, _: pair.answer_fence(name): 8,
    lambda pair, *_: pair.elect(): 5,
    lambda pair, _, chance: pair.hold_vip(*chance.choice(VIPS)): 1,
    lambda pair, name, _: pair.cut.add(name): 0.8,
    lambda pair, *_: pair.cut.clear(): 2,
    lambda pair, name, _: freeze(pair, name): 0.5,
    lambda pair, name, _: thaw(pair, name): 2,
    lambda pair, name, _: pair.power_off(name): 0.3,
    lambda pair, name, _: pair.power_on(name): 2,
    lambda pair, name, _: pair.restart_mysqld(name): 0.7,
    lambda pair, name, _: pair.end_mysqld(name): 0.4,
    lambda pair, name, _: pair.restart_reconciler(name): 1,
    lambda pair, name, _: pair.end_reconciler(name): 0.2,
    lambda pair, name, _: pair.begin_reconciler(name): 1,
    lambda pair, name, _: pair.shut_down(name): 0.4,
    lambda pair, name, _: pair.go_off(name): 0.6,
    lambda pair, name, chance: stand_by(pair, name, wanted=chance.random() < 0.3): 1,
    lambda pair, name, _: pair.ask_for_copy(name): 0.4,
    lambda pair, name, _: pair.tear(name): 6,
    lambda pair, *_: endpoint(pair): 0.3,
}
"""Looks and acts apart, so that anything may happen between them."""


def faults(pair: Pair, chance: random.Random) -> None:
    """One event of a random life."""
    name = chance.choice(NAMES)
    event = chance.choices(list(EVENTS), list(EVENTS.values()))[0]
    event(pair, name, chance)
    pair.settle()
