"""Each transition of the reconciler, alone and interrupted at each of its points."""

from __future__ import annotations

import itertools
import pickle
from collections.abc import Callable
from dataclasses import replace

import pytest

from bootstrap.blocks.gtid_pair.program import reconcile, remember
from bootstrap.blocks.gtid_pair.program.seen import Memory, Server
from bootstrap.blocks.gtid_pair.program.step import Errant, Step
from tests.gtid.pair import NAMES, Pair, ViolationError, steady
from tests.gtid.transitions import (
    asked_to_stand_by,
    both_shut_down,
    crashed,
    cut,
    lost,
    moved,
    replica_lost,
    replica_shut_down,
    restarted,
    returned,
    shut_down,
    steps,
)

TRANSITIONS = (
    moved,
    lost,
    replica_lost,
    returned,
    cut,
    restarted,
    shut_down,
    replica_shut_down,
    both_shut_down,
    asked_to_stand_by,
    crashed,
)
Interruption = Callable[[Pair, str], None]


def powered_off(pair: Pair, name: str) -> None:
    pair.power_off(name)


def frozen(pair: Pair, name: str) -> None:
    pair.nodes[name].frozen = pair.nodes[name].on


def isolated(pair: Pair, name: str) -> None:
    pair.cut.add(name)


def mysqld_killed(pair: Pair, name: str) -> None:
    pair.restart_mysqld(name)


def reconciler_killed(pair: Pair, name: str) -> None:
    pair.restart_reconciler(name)


def vip_moved(pair: Pair, name: str) -> None:
    pair.hold_vip(name)


def gone(pair: Pair, name: str) -> None:
    """What is shut down goes off now, wherever it stands: its time is over."""
    for node in pair.nodes:
        pair.go_off(node)
    pair.hold_vip(*pair.vip, name)


def also_shut_down(pair: Pair, name: str) -> None:
    pair.shut_down(name)


INTERRUPTIONS = (
    powered_off,
    frozen,
    isolated,
    mysqld_killed,
    reconciler_killed,
    vip_moved,
    gone,
    also_shut_down,
)
POINTS = 24
"""Looks and acts of both nodes in 6 seconds: longer than any transition takes."""


def events(pair: Pair) -> None:
    """One event after the other, with a write and the applier between: looks and acts apart."""
    for _ in itertools.count():
        pair.now += 1
        if pair.elects:
            pair.elect()
        for name in NAMES:
            pair.answer_fence(name)
            pair.look(name)
            yield_point(pair)
            pair.act(name)
            yield_point(pair)
            pair.write(name)
            pair.receive(name)
            pair.receive(name)
            pair.apply(name)
        if len(getattr(pair, "points", [])) >= POINTS:
            return


def yield_point(pair: Pair) -> None:
    points: list[int] = getattr(pair, "points", [])
    points.append(len(points))
    pair.points = points  # type: ignore[attr-defined]
    at, interruption, name = pair.planned  # type: ignore[attr-defined]
    if len(points) == at:
        interruption(pair, name)
        pair.settle()


def begun_by(transition: Callable[[Pair], None]) -> bytes:
    """A steady pair after a transition: until here the lives of all interruptions are one."""
    pair = steady()
    transition(pair)
    return pickle.dumps(pair)


@pytest.mark.parametrize("interruption", INTERRUPTIONS)
@pytest.mark.parametrize("transition", TRANSITIONS)
def test_an_interruption_at_any_point_costs_no_write_and_ends_with_a_source(
    transition: Callable[[Pair], None], interruption: Interruption
) -> None:
    begun = begun_by(transition)
    for at, name in itertools.product(range(POINTS), NAMES):
        pair: Pair = pickle.loads(begun)
        pair.planned = (at, interruption, name)  # type: ignore[attr-defined]
        events(pair)
        pair.heal()
        pair.run(3)
        pair.heal()
        done = pair.becomes_steady(60)
        stuck = all("both nodes" in n.memory.quarantined for n in pair.nodes.values())
        assert done or stuck, (at, name, pair.trace)


def test_a_switchover_loses_nothing_and_takes_these_steps() -> None:
    pair = steady()
    since = len(pair.trace)
    moved(pair)
    pair.run(12)
    assert steps(pair, since) == [
        "a demote",
        "b stop-receiver",
        "a waive",
        "b open",
        "b go-alone",
        "a join",
        "b wait",
    ]
    assert pair.source() == "b"
    assert pair.is_steady()


def test_a_lost_source_is_replaced_after_the_grant_only() -> None:
    pair = steady()
    pair.endpoint = False
    lost(pair)
    pair.run(30)
    assert pair.source() is None
    pair.endpoint = True
    pair.run(6)
    assert pair.source() == "b"


def test_a_source_without_replica_acknowledges_nothing_before_the_grant() -> None:
    pair = steady()
    pair.endpoint = False
    pair.power_off("b")
    known = set(pair.acknowledged)
    pair.write("a")
    pair.run(30)
    assert pair.acknowledged == known
    pair.endpoint = True
    pair.run(6)
    assert len(pair.acknowledged) == len(known) + 1


def test_a_node_that_boots_alone_stays_passive_until_a_person_says_otherwise() -> None:
    pair = steady()
    pair.power_off("a")
    pair.power_off("b")
    pair.power_on("b")
    pair.hold_vip("b")
    pair.run(40)
    assert pair.source() is None
    pair.nodes["b"].activated = True
    pair.run(6)
    assert pair.source() == "b"


def test_a_stale_node_is_not_promoted() -> None:
    """The backup goes down, writes go on, the active goes down, the backup alone is started."""
    pair = steady()
    pair.power_off("b")
    pair.run(10)
    pair.write("a")
    pair.power_off("a")
    pair.power_on("b")
    pair.hold_vip("b")
    pair.run(40)
    assert pair.source() is None
    pair.power_on("a")
    pair.run(40)
    assert pair.source() == "b"
    assert pair.is_steady()


def catching_up() -> Pair:
    """The replica comes back, begins to receive what it missed, and the source dies."""
    pair = steady()
    pair.power_off("b")
    pair.run(10)
    pair.write("a")
    pair.power_on("b")
    pair.write("a")
    for _ in range(3):
        pair.look("b")
        pair.act("b")
    assert pair.nodes["b"].follows
    pair.power_off("a")
    pair.hold_vip("b")
    pair.run(40)
    return pair


def test_a_replica_that_is_catching_up_is_not_promoted(monkeypatch: pytest.MonkeyPatch) -> None:
    assert catching_up().source() is None
    whole = remember._as_replica

    def at_once(memory: Memory, own: Server, peer: Server | None) -> Memory:
        memory = whole(memory, own, peer)
        return replace(memory, current=True) if own.connected else memory

    monkeypatch.setattr(remember, "_as_replica", at_once)
    with pytest.raises(ViolationError, match="lacks acknowledged"):
        catching_up()


def test_in_a_full_partition_with_the_vip_on_both_one_node_goes_on() -> None:
    pair = steady()
    cut(pair)
    pair.run(12)
    assert [node.on for node in pair.nodes.values()].count(True) == 1
    assert pair.source() is not None


@pytest.mark.parametrize("errant", list(Errant))
def test_a_write_that_nobody_was_told_of_quarantines_the_ex_source(errant: Errant) -> None:
    pair = steady(errant=errant)
    returned(pair)
    pair.run(20)
    node = pair.nodes["a"]
    if errant is Errant.REBUILD:
        assert not node.memory.quarantined
        assert pair.is_steady()
        return
    assert "transactions that the source lacks: uuid-a:" in node.memory.quarantined
    assert pair.source() == "b"
    node.rebuild = True
    pair.run(20)
    assert pair.is_steady()


def test_a_word_for_a_copy_is_not_kept_for_a_node_that_was_promoted_since() -> None:
    pair = steady(errant=Errant.ASK)
    pair.power_off("a")
    pair.nodes["b"].rebuild = True
    pair.hold_vip("b")
    pair.run(20)
    assert pair.source() == "b"
    for _ in range(3):
        pair.write("b")
    pair.restart_mysqld("b")
    pair.power_on("a")
    pair.run(40)
    assert pair.source() == "b"
    assert pair.acknowledged <= pair.nodes["b"].log


def test_a_word_for_a_copy_waits_while_the_node_is_ahead() -> None:
    pair = steady(errant=Errant.ASK)
    pair.power_off("a")
    pair.hold_vip("b")
    pair.run(20)
    pair.write("b")
    pair.restart_mysqld("b")
    pair.nodes["b"].rebuild = True  # The peer is silent, and b read-only for a moment.
    pair.power_on("a")
    pair.run(40)
    assert pair.acknowledged <= pair.nodes["b"].log


@pytest.mark.parametrize("marked", [True, False])
def test_a_copy_that_lost_its_power_is_made_anew_before_anything_else(marked: bool) -> None:
    """Without its mark, the node joins with half of its tables and is promoted with them."""
    pair = steady(errant=Errant.ASK)
    pair.nodes["b"].rebuild = True
    pair.look("b")
    pair.act("b")  # It waives.
    pair.look("b")
    pair.tear("b")
    assert pair.nodes["b"].torn
    pair.nodes["b"].copies = marked
    pair.power_on("b")
    pair.run(30)
    assert pair.is_steady()
    pair.power_off("a")
    pair.hold_vip("b")
    if not marked:
        with pytest.raises(ViolationError, match="parts of two"):
            pair.run(20)
        return
    pair.run(20)
    assert pair.source() == "b"


def test_data_of_a_torn_copy_are_not_promoted_on_a_persons_word_either() -> None:
    pair = steady()
    node = pair.nodes["b"]
    node.copies = node.torn = node.activated = True
    pair.power_off("a")
    pair.hold_vip("b")
    pair.run(30)
    assert node.read_only
    assert "was begun and not ended" in node.memory.quarantined


def test_a_write_by_hand_on_a_replica_is_never_thrown_away_without_being_asked() -> None:
    pair = steady(errant=Errant.REBUILD)
    pair.nodes["b"].log.add(("uuid-b", 999))
    pair.run(20)
    node = pair.nodes["b"]
    assert "uuid-b:999" in node.memory.quarantined
    assert pair.source() == "a"
    assert not pair.nodes["a"].waits


def ex_source_cut_off(at: int) -> None:
    """A switchover; at its event ``at`` the paths are cut, and the ex-source gets the VIP back."""
    pair = steady()
    moved(pair)
    pair.planned = (at, isolated, "a")  # type: ignore[attr-defined]
    events(pair)
    pair.write("b")
    pair.nodes["b"].reconciler = False
    pair.hold_vip("a")
    pair.run(20)


def test_a_node_that_waives_forgets_so_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Taken away, the same search finds a lost write."""
    for at in range(POINTS):
        ex_source_cut_off(at)
    whole = remember.before

    def before(memory: Memory, step: Step) -> Memory:
        return memory if step is Step.WAIVE else whole(memory, step)

    monkeypatch.setattr(reconcile, "before", before)
    with pytest.raises(ViolationError):
        for at in range(POINTS):
            ex_source_cut_off(at)
