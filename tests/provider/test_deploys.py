"""Deploy and Inventory without an engine, a child or a machine."""

import asyncio
from collections.abc import Coroutine, Mapping
from pathlib import Path
from typing import Any, TypeVar

import pytest
from pulumi.runtime.proto import provider_pb2

from provider.deploys import Deploy, Inventory
from provider.dry_runs import DryRuns
from provider.resource import InitFailedError
from provider.results import FOLDER_VARIABLE, Results
from provider.values import UNKNOWN, Secret, decode_struct, encode_struct
from tests.provider.fake_engine import FakeLog, FakeRunner

T = TypeVar("T")
URN = "urn:pulumi:dev::t::pyinfra:index:Deploy::lb"
CHANGED = {"lb1": {"state": "reachable", "reason": "", "operations": {"a": "-x\n+y"}}}
SAME: dict[str, Any] = {"lb1": {"state": "reachable", "reason": "", "operations": {}}}


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run one coroutine."""
    return asyncio.run(work)


def spec(**changes: Any) -> dict[str, Any]:
    """Return a DeploySpec as the program gives it."""
    host = {"address": "a", "port": 22, "user": "root", "host_key": "k", "identity": "1"}
    return {
        "name": "lb",
        "stack": "six",
        "hosts": {"lb1": host},
        "transport": {"netns": None, "private_key": Secret("the-private-key")},
        "plan": {"nodes": {"lb1": {}}},
        "secrets": {"vrrp": Secret("hunter22")},
        **changes,
    }


class World:
    """A provider with fakes around it."""

    def __init__(self, hosts: Mapping[str, Any], *, error: str = "") -> None:
        """Let the children answer with `hosts`."""
        self.runner = FakeRunner(hosts, error=error)
        self.log = FakeLog()
        self.dry_runs = DryRuns(self.runner, self.log, Results("1-1"))
        self.deploy = Deploy(self.runner, self.log, self.dry_runs)
        self.inventory = Inventory(self.dry_runs)

    async def check(self, olds: Mapping[str, Any] | None = None, **news: Any) -> dict[str, Any]:
        """Return what check would record, decoded."""
        request = provider_pb2.CheckRequest(
            urn=URN, olds=encode_struct(olds or {}), news=encode_struct(news)
        )
        return decode_struct((await self.deploy.check(request)).inputs)

    async def diff(self, olds: Mapping[str, Any], news: Mapping[str, Any]) -> dict[str, Any]:
        """Return the detailed diff as path -> kind."""
        request = provider_pb2.DiffRequest(
            urn=URN, old_inputs=encode_struct(olds), news=encode_struct(news)
        )
        response = await self.deploy.diff(request)
        assert not response.replaces
        some = response.changes == provider_pb2.DiffResponse.DIFF_SOME
        assert some == bool(response.detailedDiff)
        return {path: found.kind for path, found in response.detailedDiff.items()}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep results in a folder of the test's own."""
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))


def test_check_puts_in_pending_and_consumes_its_own_inputs() -> None:
    """The diff becomes an input; dry_run and offline are not recorded."""
    inputs = run(World(CHANGED).check(spec=spec(), dry_run=True, offline=False))
    assert set(inputs) == {"spec", "pending"}
    assert inputs["pending"] == {"lb1": {"a": ["-x", "+y"]}}


def test_update_phase_reuses_the_preview_and_records_digests() -> None:
    """One child for both phases; the recorded input holds no diff text."""
    preview, update = World(CHANGED), World(CHANGED)
    run(preview.check(spec=spec(), dry_run=True))
    inputs = run(update.check({"spec": {}}, spec=spec(), dry_run=False))
    assert update.runner.requests == []
    assert set(inputs["pending"]["lb1"]) == {"a"}
    assert "+y" not in str(inputs)


def test_update_phase_without_preview_looks_once() -> None:
    """`up --skip-preview` runs the child, and not for a Deploy that is created anyway."""
    world = World(CHANGED)
    assert "+y" not in str(run(world.check({"spec": {}}, spec=spec(), dry_run=False)))
    assert len(world.runner.requests) == 1
    assert run(World(CHANGED).check({}, spec=spec(), dry_run=False))["pending"] == {}


def test_offline_asks_no_machine() -> None:
    """Nothing is started and nothing is pending; the spec itself is compared."""
    world = World(CHANGED)
    inputs = run(world.check({"spec": {}}, spec=spec(), dry_run=True, offline=True))
    assert "pending" not in inputs
    assert world.runner.requests == []
    changed = {"spec": spec(plan={"nodes": {"lb1": {"x": 1}}})}
    assert sorted(run(world.diff({"spec": spec()}, changed))) == [
        'spec["plan"]["nodes"]["lb1"]',
        'spec["plan"]["nodes"]["lb1"]["x"]',
    ]
    assert run(world.diff({"spec": spec()}, {"spec": spec()})) == {}


def test_unknown_spec_is_known_after_apply() -> None:
    """No child can list anything."""
    world = World(CHANGED)
    inputs = run(world.check(spec=UNKNOWN, dry_run=True))
    assert inputs["pending"] == {"every host": {"every operation": "known after apply"}}
    inputs = run(world.check(spec=spec(plan=UNKNOWN), dry_run=True))
    assert inputs["pending"] == {"lb1": {"every operation": "known after apply"}}
    assert world.runner.requests == []


def test_crashed_child_does_not_fail_the_preview() -> None:
    """It is said, in the log and in pending."""
    world = World({}, error="plan of lb was ended by signal 9: no output")
    inputs = run(world.check(spec=spec(), dry_run=True))
    assert inputs["pending"]["lb1"]["connection"].startswith("could not be read: plan of lb")
    assert "plan of lb was ended by signal 9: no output" in world.log.lines


def test_incomplete_spec_is_a_check_failure() -> None:
    """What is missing is named."""
    request = provider_pb2.CheckRequest(urn=URN, news=encode_struct({"spec": {"name": "lb"}}))
    response = run(World(SAME).deploy.check(request))
    assert len(response.failures) == 5


def test_diff_has_one_key_per_host_and_operation() -> None:
    """A changed spec alone is no change: only what differs on the machines counts."""
    world = World(SAME)
    olds = {"spec": spec(), "pending": {"lb1": {"old": "digest"}}}
    news = {"spec": spec(plan={"other": 1}), "pending": {"lb1": {"nginx: reload": "$ x"}}}
    assert run(world.diff(olds, news)) == {
        'pending["lb1"]["nginx: reload"]': provider_pb2.PropertyDiff.ADD
    }
    assert run(world.diff(olds, {**news, "pending": {}})) == {}


def test_inventory_starts_all_and_each_deploy_awaits_its_own() -> None:
    """Two Deploys, two children, started by the Inventory and not again."""
    world = World(CHANGED)
    specs = {"lb": spec(), "web": spec(name="web")}

    async def both() -> list[dict[str, Any]]:
        request = provider_pb2.CheckRequest(
            urn=URN, news=encode_struct({"specs": specs, "dry_run": True})
        )
        recorded = decode_struct((await world.inventory.check(request)).inputs)
        assert recorded == {"deploys": ["lb", "web"]}
        await asyncio.sleep(0)
        assert len(world.runner.requests) == 2
        return [await world.check(spec=item, dry_run=True) for item in specs.values()]

    for inputs in run(both()):
        assert inputs["pending"] == {"lb1": {"a": ["-x", "+y"]}}
    assert len(world.runner.requests) == 2


def _create(world: World) -> provider_pb2.CreateResponse:
    request = provider_pb2.CreateRequest(urn=URN, properties=encode_struct({"spec": spec()}))
    return run(world.deploy.create(request))


def test_create_applies_and_drops_pending() -> None:
    """The outputs are small and hold no secret."""
    world = World(SAME)
    response = _create(world)
    assert response.id == "six-lb"
    assert decode_struct(response.properties) == {"machines": {"lb1": "1"}}
    assert world.runner.requests[0]["mode"] == "apply"
    assert "lb1: a: changed" in world.log.lines


def test_failed_host_is_recorded_as_half_made() -> None:
    """One sentence per host reaches the engine, with the id to record."""
    world = World({"lb1": {**SAME["lb1"], "error": "lb1: no"}, "lb2": SAME["lb1"]})
    with pytest.raises(InitFailedError) as caught:
        _create(world)
    assert caught.value.reasons == ["lb1: no"]
    assert caught.value.identifier == "six-lb"
    with pytest.raises(InitFailedError, match="ended by signal"):
        _create(World({}, error="apply of lb was ended by signal 9"))


def test_rotated_secret_is_masked_with_its_old_value() -> None:
    """The child hides the value that the state still holds, too."""
    world = World(SAME)
    old = {"spec": spec(secrets={"vrrp": Secret("old-value")})}
    run(world.check(old, spec=spec(), dry_run=True))
    assert world.runner.requests[0]["mask"]["old vrrp"] == "old-value"


def test_previewed_create_and_update_do_nothing() -> None:
    """A preview never applies."""
    world = World(SAME)
    create = provider_pb2.CreateRequest(urn=URN, preview=True)
    update = provider_pb2.UpdateRequest(urn=URN, preview=True, olds=encode_struct({"a": 1}))
    assert run(world.deploy.create(create)).id == ""
    assert decode_struct(run(world.deploy.update(update)).properties) == {"a": 1}
    assert world.runner.requests == []
