"""At most one node answers for the VIPs of a GTID pair, whatever becomes of VRRP's adverts."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from bootstrap.blocks.gtid_pair.program import holding
from tests.gtid.pair import NAMES, ViolationError, steady
from tests.gtid.vrrp import Vrrp

FAULTS_A_LIFE = 40
SPAN_S = 14.0
"""Between two faults at most: longer than any of them is remembered by keepalived."""

Fault = Callable[[Vrrp, str], object]
FAULTS: dict[Fault, float] = {
    lambda vrrp, name: vrrp.pair.cut.add(name): 2,
    lambda vrrp, _: vrrp.pair.cut.clear(): 3,
    lambda vrrp, _: setattr(vrrp, "deaf", True): 3,
    lambda vrrp, _: setattr(vrrp, "deaf", False): 2,
    lambda vrrp, name: vrrp.unfit.add(name): 1,
    lambda vrrp, _: vrrp.unfit.clear(): 2,
    lambda vrrp, name: setattr(vrrp.pair.nodes[name], "frozen", vrrp.pair.nodes[name].on): 2,
    lambda vrrp, name: setattr(vrrp.pair.nodes[name], "frozen", False): 3,
    lambda vrrp, name: vrrp.pair.power_off(name): 1,
    lambda vrrp, name: vrrp.power_on(name): 4,
    lambda vrrp, name: vrrp.pair.end_mysqld(name): 2,
    lambda vrrp, name: vrrp.pair.restart_mysqld(name): 2,
    lambda vrrp, name: vrrp.pair.restart_reconciler(name): 2,
    lambda vrrp, name: vrrp.restarted(name): 1,
    lambda vrrp, name: vrrp.pair.shut_down(name): 1,
    lambda vrrp, name: vrrp.pair.go_off(name): 2,
    lambda vrrp, name: setattr(vrrp.pair.nodes[name], "standby", vrrp.pair.nodes[name].on): 1,
    lambda vrrp, name: setattr(vrrp.pair.nodes[name], "standby", False): 2,
    lambda vrrp, _: setattr(vrrp.pair, "endpoint", not vrrp.pair.endpoint): 0.5,
    lambda vrrp, name: vrrp.pair.write(name): 8,
}


def beginning(chance: random.Random) -> Vrrp:
    pair = steady(source=chance.choice(NAMES))
    vrrp = Vrrp(pair, chance)
    for name in pair.vip:
        holder = vrrp.daemons[name]
        holder.state, holder.failed, holder.lives, holder.may = "MASTER", 0, True, True
    return vrrp


def live(seed: int) -> None:
    chance = random.Random(seed)
    vrrp = beginning(chance)
    try:
        for _ in range(FAULTS_A_LIFE):
            fault = chance.choices(list(FAULTS), list(FAULTS.values()))[0]
            fault(vrrp, chance.choice(NAMES))
            vrrp.run(chance.choice((0.25, 0.5, 1, 2, 4, SPAN_S)))
    except ViolationError as violation:
        last = "\n".join(vrrp.pair.trace[-12:])
        raise ViolationError(f"seed {seed}: {violation}\n{last}") from violation


@pytest.mark.parametrize("group", range(4))
def test_no_random_life_has_two_holders(group: int) -> None:
    for seed in range(group * 25, group * 25 + 25):
        live(seed)


@pytest.mark.parametrize("rule", ["a replica may", "before the grant", "in nobody's turn"])
def test_the_search_finds_two_holders_where_a_rule_is_missing(
    rule: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if rule == "a replica may":
        monkeypatch.setattr(holding, "holding", lambda *_: (True, ""))
    elif rule == "before the grant":
        monkeypatch.setattr(holding, "_without_answer", lambda *_: (True, ""))
    else:
        monkeypatch.setattr(holding, "leads", lambda *_: True)
    with pytest.raises(ViolationError, match="both nodes answer"):
        for seed in range(300):
            live(seed)


def test_a_source_s_vip_moves_in_seconds_once_its_machine_is_off() -> None:
    vrrp = beginning(random.Random(0))
    (source,) = vrrp.pair.vip
    vrrp.pair.power_off(source)
    vrrp.run(8)
    assert vrrp.pair.vip == set(NAMES) - {source}
    assert vrrp.pair.source() in vrrp.pair.vip


def test_without_adverts_nothing_moves_and_a_returning_node_takes_nothing() -> None:
    """The author's most important test: the adverts to the node that comes back are lost."""
    vrrp = beginning(random.Random(1))
    (source,) = vrrp.pair.vip
    (other,) = set(NAMES) - {source}
    vrrp.deaf = True
    vrrp.run(30)
    vrrp.pair.power_off(other)
    vrrp.run(20)
    vrrp.power_on(other)
    vrrp.run(30)
    assert vrrp.pair.vip == {source}
    assert vrrp.pair.source() == source
    assert vrrp.pair.is_steady()


def test_a_switchover_moves_the_vip_with_the_source() -> None:
    vrrp = beginning(random.Random(2))
    (source,) = vrrp.pair.vip
    vrrp.pair.nodes[source].standby = True
    vrrp.run(12)
    assert vrrp.pair.vip == set(NAMES) - {source} == {vrrp.pair.source()}


def test_a_source_whose_web_server_dies_hands_over() -> None:
    vrrp = beginning(random.Random(3))
    (source,) = vrrp.pair.vip
    vrrp.unfit.add(source)
    vrrp.run(20)
    assert vrrp.pair.vip == set(NAMES) - {source} == {vrrp.pair.source()}
    assert vrrp.pair.asked == []


def test_a_dead_reconciler_takes_no_vip_from_a_source_that_serves() -> None:
    vrrp = beginning(random.Random(4))
    (source,) = vrrp.pair.vip
    vrrp.run(2)
    vrrp.pair.end_reconciler(source)
    vrrp.run(60)
    assert vrrp.pair.vip == {source}
