"""Limits: one number in the description decides them, and a machine too small is refused."""

from __future__ import annotations

from ipaddress import IPv4Network

import pytest

from stacks.capacity import MAX_CONNECTIONS, PORT_RANGE, limits
from stacks.load import DescriptionError
from stacks.plan import make_plan
from tests.descriptions import six


@pytest.mark.parametrize("connections", [64, 1000, 9000, 20000, MAX_CONNECTIONS])
def test_all_connections_fit_at_once_on_one_machine(connections: int) -> None:
    found = limits(connections)
    assert found.worker_connections > 2 * connections
    assert found.open_files > found.worker_connections
    assert found.backlog >= connections
    assert found.conntrack_max >= 12 * connections
    assert found.conntrack_max == 4 * found.conntrack_buckets
    assert found.port_range[1] - found.port_range[0] > 1.1 * connections
    assert found.tcp_mem[0] < found.tcp_mem[1] < found.tcp_mem[2]
    assert int(found.sysctls()["net.core.somaxconn"]) >= connections


def test_limits_are_powers_of_two_where_the_kernel_wants_them() -> None:
    found = limits(9000)
    assert (found.backlog, found.conntrack_max, found.conntrack_buckets) == (16384, 131072, 32768)
    assert (found.worker_connections, found.open_files) == (18512, 27512)
    assert found.kept_upstreams == 256
    assert PORT_RANGE[1] - PORT_RANGE[0] + 1 == 55296


def test_the_one_number_reaches_balancers_and_web_machines() -> None:
    plan = make_plan(six(put={"pairs.lb.balancer.connections": 4000}))
    for name in ("lb1", "lb2", "web1", "web2"):
        assert plan.nodes[name].limits == limits(4000)
    assert plan.nodes["data1"].limits is None


def test_a_machine_that_holds_nine_thousand_is_too_small_for_twenty_thousand() -> None:
    six()
    with pytest.raises(DescriptionError) as caught:
        six(put={"pairs.lb.balancer.connections": 20000})
    assert {line.partition(":")[0] for line in caught.value.sentences} == {
        f"nodes.{name}.memory_mib" for name in ("lb1", "lb2", "web1", "web2")
    }


def test_sessions_are_reached_from_the_other_web_machine_only() -> None:
    plan = make_plan(six())
    rules = [rule for rule in plan.nodes["web1"].firewall if 11211 in rule.ports]
    assert [(rule.interface, rule.sources) for rule in rules] == [
        ("lan", (IPv4Network("10.71.1.22/32"),))
    ]
    for name in ("lb1", "data1"):
        assert not any(11211 in rule.ports for rule in plan.nodes[name].firewall)


def test_status_says_how_coarse_ip_hash_is() -> None:
    balancer = make_plan(six()).nodes["lb1"].balancer
    assert balancer is not None
    assert "all clients of one /24 reach the same web machine" in balancer.granularity
    other = make_plan(six(put={"pairs.lb.balancer.method": "least_conn"})).nodes["lb1"].balancer
    assert other is not None
    assert "/24" not in other.granularity
