"""The restart rule, the order of hosts, the operations that a node gets."""

from __future__ import annotations

from typing import Any

import pytest

from bootstrap import deploy, site
from bootstrap.blocks.base import deploy as base
from bootstrap.facts import node as facts
from bootstrap.facts.files import SeenFile
from bootstrap.facts.node import OURS, Seen
from bootstrap.facts.units import SeenUnit
from bootstrap.managed import Boot, Link, ManagedFile, Manifest, Reload, Unit, union
from bootstrap.operations import files, ruleset, sysctl, units, users
from bootstrap.phases import blocked_service_startup, why_reload
from bootstrap.roles import blocks_of
from tests.golden.tree import plans

FILE = ManagedFile(path="/etc/a", content="new\n")
UNIT = Unit(name="a.service", reload=Reload.RELOAD, files=("/etc/a",))


def _seen(*, content: str = "new\n", mtime: int = 10, started: int = 20, stamp: int = 0) -> Seen:
    return Seen(
        files={"/etc/a": SeenFile(kind="file", content=content.encode(), mtime=mtime)},
        units={"a.service": SeenUnit(load="loaded", active="active", started=started)},
        stamps={"a.service": stamp} if stamp else {},
    )


def test_a_unit_that_has_read_its_files_is_left_alone() -> None:
    assert why_reload(UNIT, [FILE], _seen()) is None


def test_a_file_that_changes_reloads_its_unit() -> None:
    assert why_reload(UNIT, [FILE], _seen(content="old\n")) == "/etc/a changes"


def test_a_run_that_was_killed_before_the_reload_is_finished() -> None:
    reason = why_reload(UNIT, [FILE], _seen(mtime=30))
    assert reason == "/etc/a was written after a.service read it last"


def test_a_reload_of_ours_counts_as_read() -> None:
    assert why_reload(UNIT, [FILE], _seen(mtime=30, stamp=31)) is None


def test_a_missing_file_reloads_its_unit() -> None:
    assert why_reload(UNIT, [FILE], Seen()) == "/etc/a changes"


def test_a_link_that_was_removed_reloads_its_unit() -> None:
    link = Link(path="/etc/on/a", target="/etc/a")
    unit = Unit(name="a.service", reload=Reload.RELOAD, files=(link.path,))
    there = Seen(files={link.path: SeenFile(kind="link", target="/etc/a")})
    assert why_reload(unit, [], there, links=[link]) is None
    assert why_reload(unit, [], Seen(), links=[link]) == "/etc/on/a changes"


def test_services_stay_blocked_until_the_command_has_ended_in_any_way() -> None:
    text = blocked_service_startup("false")
    assert text.startswith("trap 'rm -f /usr/sbin/policy-rc.d' EXIT")
    assert text.index("exit 101") < text.index("false")


@pytest.mark.parametrize(
    ("deploy_name", "phase", "wanted"),
    [
        ("lb", "install", [["lb1", "lb2"]]),
        ("lb", "configure", [["lb2"], ["lb1"]]),
        ("lb", "activate", [["lb2"], ["lb1"]]),
        ("web", "configure", [["web1", "web2"]]),
        ("web", "activate", [["web1"], ["web2"]]),
    ],
)
def test_batches_of_six(deploy_name: str, phase: str, wanted: list[list[str]]) -> None:
    assert deploy.batches(phase, plan=plans()["six"].slice(deploy_name)) == wanted


@pytest.mark.parametrize(
    ("deploy_name", "phase", "wanted"),
    [
        ("lb", "configure", [["lb1", "lb2"]]),
        ("lb", "activate", [["lb1", "lb2"]]),
        ("web", "activate", [["web1", "web2"]]),
        ("data", "configure", [["data1", "data2"]]),
        ("data", "activate", [["data2"], ["data1"]]),
    ],
)
def test_who_is_blank_needs_no_order_but_that_of_a_disk(
    deploy_name: str, phase: str, wanted: list[list[str]]
) -> None:
    plan = plans()["six"].slice(deploy_name)
    assert deploy.batches(phase, plan=plan, blank=True) == wanted


@pytest.mark.parametrize(
    ("path", "blank"),
    [("/etc/hosts", True), ("/etc/sysctl.d/50-pairwise.conf", False)],
)
def test_a_machine_with_a_file_of_ours_is_not_blank(path: str, blank: bool) -> None:
    assert Seen(files={path: SeenFile(kind="file")}).is_blank is blank


def test_the_base_has_files_that_bear_our_name() -> None:
    """Not blank is who has any of them: written first, and on every node."""
    for plan in plans().values():
        for node in plan.nodes.values():
            base = deploy.manifests(node=node, plan=plan.slice(node.member))[0]
            assert any(OURS in file.path for file in base.files), node.name


def test_a_sync_pair_begins_with_the_node_that_no_vip_prefers() -> None:
    assert deploy.batches("activate", plan=plans()["duo"].slice("duo")) == [
        ["server2"],
        ["server1"],
    ]


def test_every_node_of_every_stack_is_in_one_batch_of_each_phase() -> None:
    for plan in plans().values():
        for name, part in plan.deploys.items():
            for phase in deploy.PHASES:
                found = [n for batch in deploy.batches(phase, plan=part) for n in batch]
                assert sorted(found) == sorted(part.nodes), (name, phase)


def test_every_node_gets_the_base_first() -> None:
    for plan in plans().values():
        for node in plan.nodes.values():
            assert blocks_of(node)[0].NAME == "base"


def test_no_two_blocks_of_a_node_own_one_thing() -> None:
    for plan in plans().values():
        for node in plan.nodes.values():
            wanted = union(deploy.manifests(node=node, plan=plan.slice(node.member)))
            paths = [file.path for file in wanted.files] + [link.path for link in wanted.links]
            assert len(paths) == len(set(paths)), node.name
            units = [unit.name for unit in wanted.units]
            assert len(units) == len(set(units)), node.name


def test_checks_have_unique_names_and_a_sentence() -> None:
    for plan in plans().values():
        for node in plan.nodes.values():
            found = deploy.checks(node=node, plan=plan.slice(node.member))
            assert len({check.name for check in found}) == len(found)
            assert all(check.failure.rstrip().endswith(".") for check in found)


def test_an_unknown_phase_is_refused() -> None:
    plan = plans()["six"]
    node: Any = plan.nodes["lb1"]
    with pytest.raises(ValueError, match="Phase 'verify' does not exist"):
        deploy.run_phase("verify", node=node, plan=plan.slice("lb"), secrets={})


def test_a_machine_about_which_nothing_is_known_has_nothing() -> None:
    assert facts.process([], unit_names=["a.service"]) == Seen()


@pytest.mark.parametrize(
    ("live", "loads"), [((), "ensure_configured"), (("table inet pairwise",), "ensure_active")]
)
def test_a_node_without_a_ruleset_gets_it_before_anything_connects(
    monkeypatch: pytest.MonkeyPatch, live: tuple[str, ...], loads: str
) -> None:
    """A running one gets a changed ruleset with the other activations, backup first."""
    loaded: list[str] = []

    def quiet(**_: Any) -> None:
        return

    for module in (files, users, sysctl, units):
        for name in ("put", "link", "remove", "system", "root_locked", "value", "started"):
            monkeypatch.setattr(module, name, quiet, raising=False)
    for name in ("boot", "stopped", "reloaded"):
        monkeypatch.setattr(units, name, quiet)
    monkeypatch.setattr(ruleset, "loaded", lambda **given: loaded.append(given["path"]))
    plan = plans()["six"].slice("data")
    here = site.Site(
        node=plan.nodes["data1"],
        plan=plan,
        secrets={},
        seen=Seen(ruleset=live),
        manifest=base.manifest(plan.nodes["data1"], plan),
    )
    for phase in ("ensure_configured", "ensure_active"):
        getattr(site, phase)(here)
        if phase == loads:
            assert loaded == [base.RULESET_FILE]
            loaded.clear()
        assert not loaded, phase


@pytest.mark.parametrize(
    ("boot", "found", "reason"),
    [
        (Boot.ENABLED, SeenUnit(load="loaded", boot="enabled"), None),
        (Boot.ENABLED, SeenUnit(load="loaded", boot="disabled"), "what starts at boot changes"),
        (Boot.ENABLED, SeenUnit(), "what starts at boot changes"),
        (Boot.STATIC, SeenUnit(load="loaded", boot="static"), None),
        (Boot.MASKED, SeenUnit(load="masked"), None),
        (Boot.MASKED, SeenUnit(load="not-found", boot="masked"), None),
        (Boot.MASKED, SeenUnit(load="loaded", boot="disabled"), "is masked"),
    ],
)
def test_systemd_rereads_once_before_anything_starts(
    monkeypatch: pytest.MonkeyPatch, boot: Boot, found: SeenUnit, reason: str | None
) -> None:
    given: list[str | None] = []
    monkeypatch.setattr(units, "reread", lambda **values: given.append(values["reason"]))
    unit = Unit(name="a.service", boot=boot, running=False)
    wanted = Manifest(block="a", units=(unit,))
    site.ensure_reread(wanted, Seen(units={"a.service": found}))
    (said,) = given
    assert said is None if reason is None else said is not None and said.endswith(reason)
