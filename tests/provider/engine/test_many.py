"""Many Deploys at once, and what ten runs leave in the state."""

import json

import pytest

from tests.provider.engine.harness import Project

pytestmark = pytest.mark.live

STATE_LIMIT = 200 * 1024


def test_six_deploys_run_side_by_side(project: Project) -> None:
    """Each has a slow step: together they take hardly longer than one."""
    for number in range(1, 7):
        project.add_deploy(f"d{number}", [f"h{number}"], slow={"configure": 10})
    project.preview()
    applied = project.pulumi("up", "--yes", "--skip-preview")
    print(f"\nsix Deploys, each with 10 s of waiting: up {applied.seconds:.1f} s")
    assert applied.seconds < 40
    unchanged = project.preview()
    print(f"no-change preview of six Deploys: {unchanged.seconds:.1f} s")
    assert project.pending() == {}


def test_state_stays_small(pair: Project) -> None:
    """After many ups with changes the state is as small as after the first, without any diff."""
    for number in range(4):
        pair.node("lb", "lb1")["files"] = {"a.conf": f"marker line {number}\n" * 50}
        pair.up()
    exported = pair.pulumi("stack", "export").stdout
    assert len(exported) < STATE_LIMIT
    assert "+marker line" not in exported
    [deploy] = [
        resource
        for resource in json.loads(exported)["deployment"]["resources"]
        if resource["type"] == "pyinfra:index:Deploy"
    ]
    assert set(deploy["inputs"]) == {"spec", "pending"}
    assert set(deploy["outputs"]) == {"machines"}
    [inventory] = [
        resource
        for resource in json.loads(exported)["deployment"]["resources"]
        if resource["type"] == "pyinfra:index:Inventory"
    ]
    assert set(inventory["inputs"]) == {"deploys"}
