"""Every rendered file is accepted by its daemon's own checker, and each checker refuses a bad one.

The checkers run in the golden image's root tree, so by the versions that run on the machines.
"""

from __future__ import annotations

import pytest

from bootstrap.deploy import render_all
from stacks.plan_types import Plan
from tests.golden.checkers.broken import BROKEN, BROKEN_ON
from tests.golden.checkers.in_root import baked, judge
from tests.golden.tree import expected, plans

pytestmark = pytest.mark.image

CLOUD_INIT = {
    "user-data": "cloud-init schema --config-file %s",
    "network-config": "cloud-init schema --schema-type network-config --config-file %s",
}
"""cloud-init's own checker; meta-data has none."""

JUDGED = (
    *BROKEN_ON,
    ("nfs-metadata", "nfs1"),
    ("nfs-dopd", "nfs1"),
    ("nfs-no-fencing", "nfs1"),
    ("lvs-keepalived", "server1"),
    ("gateway-dr", "lvs1"),
    ("gateway-nat", "lvs1"),
    ("gateway-nat", "db1"),
    ("gateway-routed", "lvs1"),
    ("gateway-routed", "db1"),
    ("duo", "server1"),
    ("alone-lb-fast", "lb2"),
)
"""Nodes that between them have every template in every mode."""


def _judge(plan: Plan, node: str, *, broken: bool) -> tuple[set[str], dict[str, str]]:
    files = list(render_all(plan)[node].values())
    cases = []
    for file in files:
        if not file.check:
            continue
        good, bad = BROKEN[file.path] if broken else ("", "")
        assert good in file.content, f"{file.path} no longer holds {good!r}: mend BROKEN"
        cases.append((file.path, file.check, file.content.replace(good, bad, 1)))
    refused = judge(baked(), plan.nodes[node], files, cases)
    return {name for name, _, _ in cases}, refused


@pytest.mark.parametrize(("stack", "node"), JUDGED)
def test_every_file_is_accepted(stack: str, node: str) -> None:
    _, refused = _judge(plans()[stack], node, broken=False)
    assert refused == {}


@pytest.mark.parametrize(("stack", "node"), BROKEN_ON)
def test_every_checker_refuses_a_broken_file(stack: str, node: str) -> None:
    tried, refused = _judge(plans()[stack], node, broken=True)
    assert set(refused) == tried


def test_cloud_init_accepts_its_files_and_refuses_broken_ones() -> None:
    plan = plans()["six"]
    cases = []
    for name, check in CLOUD_INIT.items():
        text = expected()[f"six/data1/cloud-init/{name}"]
        cases.append((name, check, text))
        broken = text.replace("ssh_pwauth: false", "ssh_pwauth: [1]").replace("lan:", "lan: 5 #")
        cases.append((f"broken {name}", check, broken))
    refused = judge(baked(), plan.nodes["data1"], [], cases)
    assert set(refused) == {"broken user-data", "broken network-config"}
