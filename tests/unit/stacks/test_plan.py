"""The plan: numbers follow from ids and never from positions, and slices stay small."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stacks.addressing import metadata_mib
from stacks.load import load_stack, read_stack, stack_file, stack_names
from stacks.model import Role
from stacks.plan import make_plan
from stacks.plan_types import Plan, dump, load_deploy_plan
from tests.descriptions import STACKS, changed, description, six

WEB3 = {
    "nodes.web3": {"id": 23, "networks": ["lan", "mgmt"]},
    "tiers.web.nodes": ["web1", "web3", "web2"],
}


def plan_of(name: str) -> Plan:
    return make_plan(load_stack(stack_file(STACKS, name)))


def reordered(mapping: Any, *, seed: Any) -> Any:
    """The same description with the keys of every mapping in another order."""
    if not isinstance(mapping, dict):
        return mapping
    keys = list(mapping)
    seed.shuffle(keys)
    return {key: reordered(mapping[key], seed=seed) for key in keys}


@pytest.mark.parametrize("name", stack_names(STACKS))
def test_every_slice_survives_json(name: str) -> None:
    for deploy in plan_of(name).deploys.values():
        assert load_deploy_plan(json.loads(json.dumps(dump(deploy)))) == deploy


@pytest.mark.parametrize("name", stack_names(STACKS))
def test_every_identity_is_unique(name: str) -> None:
    nodes = plan_of(name).nodes.values()
    macs = [interface.mac for node in nodes for interface in node.interfaces]
    addresses = [interface.address for node in nodes for interface in node.interfaces]
    wwns = [disk.wwn for node in nodes for disk in node.disks]
    for values in (macs, addresses, wwns):
        assert len(set(values)) == len(values)


@cache
def description_of_six() -> dict[str, Any]:
    """To be read only: forty examples are made from one."""
    return description("six")


@cache
def dump_of_six() -> dict[str, Any]:
    """To be read only: forty examples are compared with one."""
    return dump(make_plan(six()))


@given(seed=st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_reordering_renumbers_nothing(seed: Any) -> None:
    again = read_stack(reordered(description_of_six(), seed=seed), name="six", source="six")
    first = dump_of_six()
    second = dump(make_plan(again))
    assert json.dumps(second["nodes"], sort_keys=True) == json.dumps(first["nodes"], sort_keys=True)
    assert second["vips"] == first["vips"]


@given(number=st.integers(2, 254).filter(lambda n: n not in {11, 12, 21, 22, 31, 32}))
@settings(max_examples=40, deadline=None)
def test_inserted_node_renumbers_nothing(number: int) -> None:
    put = {
        "nodes.web3": {"id": number, "networks": ["lan", "mgmt"]},
        "tiers.web.nodes": ["web3", "web1", "web2"],
    }
    if number in (201, 202, 211, 212):
        return
    before, after = make_plan(six()), make_plan(six(put=put))
    for name, node in before.nodes.items():
        assert after.nodes[name].interfaces == node.interfaces
        assert after.nodes[name].disks == node.disks
        if node.web is None and node.data is None:
            assert after.nodes[name].firewall == node.firewall


def test_third_web_machine_touches_the_balancers_and_those_that_it_talks_to() -> None:
    before, after = make_plan(six()), make_plan(six(put=WEB3))
    for name in ("data1", "data2"):
        data, before_it = after.nodes[name].data, before.nodes[name].data
        assert data is not None
        assert before_it is not None
        assert data.mysql is not None
        assert data.nfs is not None
        for clients in (data.mysql.clients, data.nfs.clients):
            assert [str(address) for address in clients] == [f"10.71.1.{n}" for n in (21, 22, 23)]
        for part in ("drbd", "heartbeat", "groups", "fence"):
            assert getattr(data, part) == getattr(before_it, part)
    for name in ("web1", "web2"):
        web, was = after.nodes[name].web, before.nodes[name].web
        assert web is not None
        assert was is not None
        assert [server.node for server in web.session_servers] == ["web1", "web2", "web3"]
        assert (
            replace(
                after.nodes[name],
                web=replace(web, session_servers=was.session_servers),
                firewall=before.nodes[name].firewall,
            )
            == before.nodes[name]
        )
    balancer = after.nodes["lb1"].balancer
    assert balancer is not None
    assert [upstream.node for upstream in balancer.upstreams] == ["web1", "web2", "web3"]


def test_single_to_dual_touches_only_the_balancers() -> None:
    single = make_plan(six(put={"pairs.lb.keepalived.mode": "single"}))
    dual = make_plan(six())
    assert [vip.name for vip in single.vips_of("lb")] == ["www1"]
    assert [vip.name for vip in dual.vips_of("lb")] == ["www1", "www2"]
    for name in ("data", "web"):
        assert single.deploys[name] == dual.deploys[name]


def test_dual_mode_swaps_the_document_s_priorities() -> None:
    plan = plan_of("six")
    seen = {
        node: {vrrp.name: vrrp.priority for vrrp in plan.nodes[node].keepalived.instances}  # type: ignore[union-attr]
        for node in ("lb1", "lb2")
    }
    assert seen == {"lb1": {"www1": 101, "www2": 90}, "lb2": {"www1": 90, "www2": 101}}


def test_takeover_bound_is_three_adverts_plus_skew() -> None:
    vrrp = plan_of("six").nodes["lb1"].keepalived
    assert vrrp is not None
    assert vrrp.instances[0].takeover_s == pytest.approx(3 * 1.0 + (256 - 90) / 256, abs=1e-3)


def test_service_name_resolves_to_both_vips() -> None:
    names = [
        (str(entry.address), entry.names)
        for entry in plan_of("six").networks["lan"].dns
        if "www.six.lab" in entry.names
    ]
    assert names == [("10.71.1.201", ("www.six.lab",)), ("10.71.1.202", ("www.six.lab",))]


def test_only_balancers_reach_the_pages_and_only_the_peer_sends_adverts() -> None:
    plan = plan_of("six")
    pages = [rule for rule in plan.nodes["web1"].firewall if 80 in rule.ports]
    assert [str(source) for source in pages[0].sources] == ["10.71.1.11/32", "10.71.1.12/32"]
    adverts = [rule for rule in plan.nodes["lb1"].firewall if rule.protocol == "vrrp"]
    assert [str(source) for rule in adverts for source in rule.sources] == ["10.71.1.12/32"]
    for node in plan.nodes.values():
        ssh = [rule for rule in node.firewall if 22 in rule.ports]
        assert [(rule.interface, str(rule.sources[0])) for rule in ssh] == [
            ("mgmt", "10.71.9.1/32")
        ]


def test_web_machines_that_are_a_pair_are_reached_where_their_site_is() -> None:
    """At their own VIP by anybody, and not in the network of their database."""
    for node in plan_of("duo").nodes.values():
        pages = [rule for rule in node.firewall if 80 in rule.ports]
        assert [(rule.interface, rule.sources) for rule in pages] == [("outside", ())]


def test_the_php_of_both_nodes_serves_a_pair_and_no_tier() -> None:
    duo = plan_of("duo").nodes["server2"]
    assert duo.web is not None
    places = [f"{server.address}:{server.port}" for server in duo.web.php_servers]
    assert places == ["10.73.2.11:9000", "10.73.2.12:9000"]
    rules = [rule for rule in duo.firewall if 9000 in rule.ports]
    assert [(rule.interface, *map(str, rule.sources)) for rule in rules] == [
        ("inside", "10.73.2.11/32")
    ]
    behind_balancers = plan_of("six").nodes["web1"].web
    assert behind_balancers is not None
    assert behind_balancers.php_servers == ()


def test_mysql_is_reached_by_the_peer_and_by_the_clients() -> None:
    """Replication, copies and the reconciler's questions: all come to the one port."""
    for stack, node, wanted in (
        ("duo", "server1", [("inside", f"10.73.2.{host}/32") for host in (12, 11, 12)]),
        (
            "six-gtid",
            "data2",
            [("repl", "10.72.2.31/32"), ("lan", "10.72.1.21/32"), ("lan", "10.72.1.22/32")],
        ),
    ):
        rules = [rule for rule in plan_of(stack).nodes[node].firewall if 3306 in rule.ports]
        found = [(rule.interface, str(source)) for rule in rules for source in rule.sources]
        assert found == wanted


def test_role_may_move_to_its_own_nodes() -> None:
    """A data pair split into two pairs needs a description only: no block knows the difference."""
    base = description("six")
    data = base["pairs"]["data"]
    put = {
        "nodes.db1": {"id": 41, "networks": ["lan", "repl", "mgmt"]},
        "nodes.db2": {"id": 42, "networks": ["lan", "repl", "mgmt"]},
        "pairs.db": {
            "nodes": ["db1", "db2"],
            "roles": ["mysql"],
            "vips": {"mysql": {**data["vips"]["mysql"], "prefers": "db1"}},
            "disks": {"mysql": data["disks"]["mysql"]},
            "heartbeat": {},
            "mysql": {},
        },
        "pairs.data.roles": ["nfs"],
        "tiers.web.web.database": "db",
    }
    drop = ["pairs.data.vips.mysql", "pairs.data.disks.mysql", "pairs.data.mysql"]
    moved = make_plan(read_stack(changed(base, put=put, drop=drop), name="six", source="six"))
    assert moved.nodes["db1"].roles == (Role.MYSQL,)
    assert [disk.resource for disk in moved.nodes["data1"].disks] == ["nfs"]


def test_web_machines_become_clients_of_the_data_pair_that_they_name() -> None:
    data = make_plan(six()).nodes["data1"].data
    none = make_plan(six(put={"tiers.web.web": {}})).nodes["data1"].data
    for found, clients in ((data, ["10.71.1.21", "10.71.1.22"]), (none, [])):
        assert found is not None
        assert found.mysql is not None
        assert found.nfs is not None
        assert [str(address) for address in found.mysql.clients] == clients
        assert [str(address) for address in found.nfs.clients] == clients


@pytest.mark.parametrize(("size_mib", "wanted"), [(64, 1), (256, 1), (30 * 1024, 1), (2**20, 33)])
def test_external_metadata_have_the_size_that_drbd_asks_for(size_mib: int, wanted: int) -> None:
    # The guide's approximation: a 32768th of the disk, and one MiB.
    assert metadata_mib(size_mib) == wanted
    assert metadata_mib(size_mib) <= size_mib / 32768 + 1
