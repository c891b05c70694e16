"""Every rendered file is as recorded, byte by byte; no golden is left over."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bootstrap.deploy import manifests
from stacks.plan import make_plan
from stacks.plan_types import dump, load_deploy_plan
from tests.golden.tree import (
    STACKS,
    VARIANTS,
    described,
    expected,
    plans,
    recorded,
    render_expected,
)

AGAIN = "python -m tests.golden.regenerate writes them anew; read the diff"


@pytest.mark.parametrize("stack", [*STACKS, *VARIANTS])
def test_files_are_as_recorded(stack: str) -> None:
    wanted = {p: text for p, text in expected().items() if p.startswith(f"{stack}/")}
    found = {p: text for p, text in recorded().items() if p.startswith(f"{stack}/")}
    assert sorted(wanted) == sorted(found), AGAIN
    different = [path for path, text in wanted.items() if found[path] != text]
    assert not different, AGAIN


def test_rendering_is_stable() -> None:
    assert render_expected() == expected()


@pytest.mark.parametrize("stack", [*STACKS, *VARIANTS])
def test_the_engine_may_hand_maps_over_in_any_order(stack: str) -> None:
    plan = plans()[stack]
    for name, deploy in plan.deploys.items():
        handed_over = load_deploy_plan(backwards(dump(deploy)))
        for node in deploy.nodes:
            first, second = (
                [(manifest.files, manifest.units) for manifest in manifests(node=n, plan=p)]
                for n, p in ((deploy.nodes[node], deploy), (handed_over.nodes[node], handed_over))
            )
            assert first == second, f"{name}: {node}"


@pytest.mark.parametrize("written", ["as the engine hands it over", "backwards"])
@pytest.mark.parametrize("stack", [*STACKS, *VARIANTS])
def test_a_description_may_be_written_in_any_order(stack: str, written: str) -> None:
    # Pulumi's configuration comes sorted by key: the command line reads the file as it is written.
    order = backwards if written == "backwards" else by_key
    assert make_plan(described(stack, order)) == plans()[stack]


def by_key(value: Any) -> Any:
    """The same with every map in the order of its keys."""
    return json.loads(json.dumps(value, sort_keys=True, default=str))


def backwards(value: Any) -> Any:
    """The same with every map the other way round."""
    if isinstance(value, list):
        return [backwards(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {key: backwards(value[key]) for key in reversed(value)}


def test_every_file_ends_with_a_newline_and_names_its_owner() -> None:
    for path, text in expected().items():
        assert text.endswith("\n"), path
        if not path.endswith("owned.txt") and "/cloud-init/" not in path:
            assert "Managed by pairwise" in text, path
