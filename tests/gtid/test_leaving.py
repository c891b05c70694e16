"""Shutdowns, restarts of mysqld, and whose turn it is: nobody is powered off who need not be."""

from __future__ import annotations

import pytest

from tests.gtid.pair import NAMES, steady
from tests.gtid.transitions import both_shut_down, lost, replica_shut_down, shut_down, steps


def test_a_source_that_is_shut_down_hands_over_and_nobody_is_powered_off() -> None:
    pair = steady()
    since = len(pair.trace)
    shut_down(pair)
    for _ in range(8):
        pair.write("a")
        pair.write("b")
        pair.receive("b")
        pair.run(1)
    assert steps(pair, since) == [
        "a demote",
        "a waive",
        "b stop-receiver",
        "b open",
        "b go-alone",
        "a leave",
    ]
    pair.go_off("a")
    pair.write("b")
    pair.run(30)
    assert pair.source() == "b"
    assert not pair.nodes["b"].pending
    assert pair.asked == []
    pair.power_on("a")
    pair.run(20)
    assert pair.is_steady()
    assert pair.vip == {"b"}


def test_a_replica_that_is_shut_down_tells_its_source_and_nobody_is_powered_off() -> None:
    pair = steady()
    since = len(pair.trace)
    replica_shut_down(pair)
    pair.run(5)
    assert steps(pair, since) == ["b waive", "a go-alone", "b leave"]
    pair.go_off("b")
    pair.write("a")
    pair.run(30)
    assert pair.source() == "a"
    assert not pair.nodes["a"].pending
    assert pair.asked == []
    pair.power_on("b")
    pair.run(20)
    assert pair.is_steady()


def test_of_two_that_are_shut_down_at_once_neither_is_powered_off() -> None:
    pair = steady()
    both_shut_down(pair)
    pair.run(20)
    pair.go_off("a")
    pair.go_off("b")
    for name in NAMES:
        pair.power_on(name)
    pair.run(30)
    assert pair.asked == []
    assert pair.is_steady()


@pytest.mark.parametrize("name", NAMES)
def test_a_mysqld_that_is_started_again_costs_no_power_off(name: str) -> None:
    """Its machine answers meanwhile; the VIP stays, and so does the source."""
    pair = steady()
    pair.elects = True
    pair.write("a")
    pair.end_mysqld(name)
    limit = pair.nodes[name].settings.restart_s
    assert limit > 2 * pair.nodes[name].settings.silence_s
    pair.run(int(limit) - 1)
    assert pair.vip == {"a"}
    pair.restart_mysqld(name)
    pair.run(20)
    assert pair.asked == []
    assert pair.source() == "a"
    assert pair.is_steady()


def test_a_mysqld_that_does_not_come_back_is_a_silent_one() -> None:
    pair = steady()
    pair.elects = True
    pair.end_mysqld("a")
    pair.run(20)
    assert pair.asked == ["b"]
    assert pair.source() == "b"
    assert pair.vip == {"b"}


def test_a_frozen_machine_is_powered_off_sooner_than_a_mysqld_that_restarts() -> None:
    pair = steady()
    pair.elects = True
    pair.nodes["a"].frozen = True
    pair.run(7)
    assert pair.asked == ["b"]
    assert pair.source() == "b"


def test_a_peer_without_power_costs_no_silence_at_all() -> None:
    """The endpoint says at once that it is off."""
    pair = steady()
    pair.elects = True
    lost(pair)
    pair.run(5)
    assert pair.asked == []
    assert pair.source() == "b"


def test_a_source_whose_mysqld_keeps_ending_moves_once() -> None:
    pair = steady()
    pair.elects = True
    for _ in range(2):
        assert pair.source() == "a"
        pair.restart_mysqld("a")
        pair.run(15)
    assert pair.source() == "b"
    assert pair.is_steady()
    for _ in range(4):
        pair.restart_mysqld("b")
        pair.run(15)
    assert pair.source() == "a"
    pair.restart_mysqld("a")
    pair.run(30)
    assert pair.source() == "a"
    assert pair.asked == []
    assert pair.is_steady()


def test_while_no_node_gets_the_vip_they_take_turns() -> None:
    """For reasons that keepalived alone knows, such as a dead web server."""
    pair = steady()
    pair.hold_vip()
    turns = []
    for _ in range(90):
        pair.run(1)
        turns.append([name for name in NAMES if pair.nodes[name].memory.may_hold])
    assert pair.source() is None
    assert ["a", "b"] not in turns
    assert turns[10] == ["b"]
    assert ["a"] in turns[30:]
    assert ["b"] in turns[60:]
    pair.elects = True
    pair.run(10)
    assert pair.source() is not None
