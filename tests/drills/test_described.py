"""Changed descriptions in force, and back: every value that the drill changes can be changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from bootstrap.deploy import manifests
from drills import described
from drills.described import changed, described_as, in_force
from drills.running import LiveStack
from drills.scenarios.changes import Change, changes
from drills.stage import Stage
from drills.subject import Kind, subject_of
from stacks.load import CONFIG_KEY, read_stack, stack_file
from stacks.plan import make_plan
from stacks.plan_types import Plan
from tests.descriptions import description
from tests.golden.tree import plans

STACK = LiveStack("nfs", "pw-test", "test:///default")
PUT = {"pairs.nfs.nfs.threads": 9}


def threads(folder: Path) -> int:
    document = yaml.safe_load(stack_file(folder, "nfs").read_text(encoding="utf-8"))
    return int(document["config"][CONFIG_KEY]["pairs"]["nfs"]["nfs"].get("threads", 8))


def test_a_changed_description_lies_beside_the_own_one(tmp_path: Path) -> None:
    with described_as(STACK, tmp_path / "stacks", put=PUT) as other:
        assert threads(other.folder) == 9 and threads(STACK.folder) == 8
        data = other.plan.nodes["nfs1"].data
        assert data is not None and data.nfs is not None and data.nfs.threads == 9
        # A second change starts from the first one, as for a control that is described otherwise.
        put = {"pairs.nfs.heartbeat.deadtime_s": 9}
        with described_as(other, tmp_path / "again", put=put) as third:
            assert threads(third.folder) == 9
            data = third.plan.nodes["nfs1"].data
            assert data is not None and data.heartbeat.deadtime_s == 9


@pytest.mark.parametrize("fails", [False, True])
def test_it_is_put_back_also_when_it_could_not_be_brought_into_force(
    fails: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []

    def up(stack: LiveStack) -> None:
        seen.append(threads(stack.folder))
        if fails and seen == [9]:
            raise AssertionError("up did not finish")

    monkeypatch.setattr(LiveStack, "up", up)
    monkeypatch.setattr(described, "FOLDER", tmp_path)
    if fails:
        with pytest.raises(AssertionError, match="did not finish"), in_force(STACK, put=PUT):
            pass
    else:
        with in_force(STACK, put=PUT):
            assert described.is_otherwise(STACK)
    assert seen == [9, 8]
    assert not described.is_otherwise(STACK)


def stage_of(plan: Plan, pair: str) -> Stage:
    nodes = tuple(sorted(plan.deploys[pair].nodes))
    subject = subject_of(plan, pair, Kind.HEARTBEAT)
    unused: Any = None
    return Stage(STACK, plan, pair, (nodes[0], nodes[1]), subject, unused, {}, {}, unused)


def files(plan: Plan, node: str) -> dict[str, tuple[str, str]]:
    """Path -> content and effect of each file of a node."""
    found = manifests(node=plan.nodes[node], plan=plan.slice(plan.nodes[node].member))
    return {f.path: (f.content, f.effect) for manifest in found for f in manifest.files}


@pytest.mark.parametrize(("name", "pair", "count"), [("six", "data", 4), ("nfs", "nfs", 3)])
def test_each_value_changes_files_of_both_nodes_and_needs_what_the_drill_expects(
    name: str, pair: str, count: int
) -> None:
    before = plans()[name]
    found: list[Change] = changes(stage_of(before, pair))
    assert len(found) == count
    for change in found:
        put = {f"pairs.{pair}.{change.key}": change.value}
        text = changed(description(name), put=put)
        after = make_plan(read_stack(text, name=name, source=name))
        for node in before.deploys[pair].nodes:
            old, new = files(before, node), files(after, node)
            effects = {new[path][1] for path in new if new[path] != old.get(path)}
            assert any(change.needs in effect for effect in effects), (change.key, effects)
