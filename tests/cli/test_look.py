"""``where``, ``graph`` and ``render``: what follows from a description."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path

import pytest

from cli.errors import CommandError
from cli.graph import mermaid
from cli.main import run
from cli.where import keys_of, rules, where
from stacks.load import load_stack, stack_file, stack_names
from stacks.plan import make_plan
from stacks.plan_types import NodePlan, Plan
from stacks.plan_vrrp_types import VrrpInstance
from tests.cli.test_comment import GOLDEN
from tests.descriptions import STACKS


def plan(name: str) -> Plan:
    return make_plan(load_stack(stack_file(STACKS, name)))


@pytest.mark.parametrize("name", stack_names(STACKS))
def test_graph_is_its_golden(name: str) -> None:
    assert mermaid(plan(name)) == (GOLDEN / f"graph_{name}.mmd").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("key", "value", "source"),
    [
        ("id", 11, "nodes.lb1.id"),
        ("keepalived.mode", "dual", "pairs.lb.keepalived.mode"),
        ("keepalived.instances.0.vrid", 51, "pairs.lb.vips.www1.vrid"),
        ("keepalived.instances.0.advert_interval_s", 1.0, "pairs.lb.keepalived.advert_interval_s"),
        ("balancer.connections", 9000, "pairs.lb.balancer.connections"),
    ],
)
def test_copied_value_names_its_place(key: str, value: object, source: str) -> None:
    six = plan("six")
    found = where(six, six.nodes["lb1"], key)
    assert found.value == value
    assert found.source == f"stacks/Pulumi.six.yaml: {source}"


def test_derived_value_names_its_rule_and_no_place() -> None:
    six = plan("six")
    found = where(six, six.nodes["lb2"], "keepalived.instances.0.priority")
    assert (found.value, found.source) == (90, "")
    assert "101 where the VIP is preferred" in found.rule


def test_value_below_a_list_is_found_with_the_keys_under_it() -> None:
    six = plan("six")
    found = where(six, six.nodes["data1"], "disks.0")
    assert found.keys == ("resource", "name", "volume", "size_mib", "wwn", "device")


def test_unknown_key_lists_what_there_is() -> None:
    six = plan("six")
    with pytest.raises(CommandError, match=r"no key 'nope' in lb1.keepalived: it has mode, inst"):
        where(six, six.nodes["lb1"], "keepalived.nope")
    with pytest.raises(CommandError, match="it is a plain value"):
        where(six, six.nodes["lb1"], "id.more")


@pytest.mark.parametrize("kind", [NodePlan, VrrpInstance])
def test_every_field_has_a_rule(kind: type[NodePlan | VrrpInstance]) -> None:
    assert set(rules(kind)) >= {field.name for field in fields(kind)}


def test_where_without_a_key_lists_the_keys(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["where", "six", "lb1"]) == 0
    assert capsys.readouterr().out.split() == list(keys_of(plan("six").nodes["lb1"]))


def test_where_prints_value_rule_and_place(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["where", "six", "lb1", "memory_mib", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "key": "memory_mib",
        "value": 768,
        "rule": "From the description.",
        "source": "stacks/Pulumi.six.yaml: nodes.lb1.memory_mib",
    }


def test_render_writes_every_file_of_every_node(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["render", "six", "--out", str(tmp_path)]) == 0
    assert sorted(folder.name for folder in tmp_path.iterdir()) == sorted(plan("six").nodes)
    text = (tmp_path / "lb1" / "etc" / "keepalived" / "keepalived.conf").read_text()
    assert "10.71.1.201" in text
    assert capsys.readouterr().out == ""
