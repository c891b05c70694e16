"""Which operations have both nodes of a pair take another key of Heartbeat, in which order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from bootstrap import site
from bootstrap.blocks.heartbeat import deploy, rekey
from bootstrap.deploy import batches
from bootstrap.facts.files import SeenFile
from bootstrap.facts.node import Seen
from bootstrap.managed import with_values
from bootstrap.operations import drbd, files, heartbeat, units
from tests.golden.tree import plans

SECRETS = {"data-heartbeat-2": "hunter2", "data-heartbeat": "hunter1"}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was asked of files, and of the two operations of a key."""
    names: list[str] = []

    def noted(word: str) -> Any:
        return lambda **given: names.append(f"{word} {given['file'].path}")

    for module, quiet in ((drbd, ("first_data",)), (units, ("boot", "started")), (files, ())):
        for name in (*quiet, *(("link", "permitted", "remove") if module is files else ())):
            monkeypatch.setattr(module, name, lambda **_: None)
    monkeypatch.setattr(files, "put", noted("put"))
    monkeypatch.setattr(heartbeat, "key_offered", noted("offered"))
    monkeypatch.setattr(heartbeat, "key_taken", noted("taken"))
    return names


def at(stack: str, node: str, seen: Seen | None = None) -> site.Site:
    plan = plans()[stack].slice("data")
    manifest = deploy.manifest(plan.nodes[node], plan)
    values: Mapping[str, str] = SECRETS
    filled = tuple(with_values(file, values) for file in manifest.files)
    return site.Site(
        node=plan.nodes[node],
        plan=plan,
        secrets=values,
        seen=seen or Seen(),
        manifest=replace(manifest, files=filled),
    )


def test_the_key_waits_on_both_before_the_last_one_has_both_take_it(asked: list[str]) -> None:
    plan = plans()["alone-data"].slice("data")
    order = []
    for phase in ("configure", "activate"):
        for (node,) in batches(phase, plan=plan):
            getattr(deploy, phase)(at("alone-data", node))
            order += [f"{node} {word}" for word in asked if not word.startswith("put")]
            assert f"put {deploy.AUTHKEYS}" not in asked
            asked.clear()
    last = batches("activate", plan=plan)[-1][0]
    first = batches("activate", plan=plan)[0][0]
    assert order == [
        f"{first} offered {deploy.AUTHKEYS}",
        f"{last} offered {deploy.AUTHKEYS}",
        f"{last} taken {deploy.AUTHKEYS}",
    ]


def test_the_program_is_there_before_a_key_waits(asked: list[str]) -> None:
    deploy.configure(at("alone-data", "data1"))
    needed = [f"put {path}" for path in (rekey.PROGRAM, rekey.CONFIG, rekey.UNIT_FILE)]
    assert [word for word in asked if word in needed] == needed
    assert asked[-1].startswith("offered")


def test_a_pair_whose_key_was_never_changed_goes_on_as_before(asked: list[str]) -> None:
    for node in ("data1", "data2"):
        deploy.configure(at("six", node))
        deploy.activate(at("six", node))
    assert asked.count(f"put {deploy.AUTHKEYS}") == 2
    assert not [word for word in asked if not word.startswith("put")]


@pytest.mark.parametrize(
    ("here", "beside", "offered"),
    [(None, False, False), ("1", False, True), ("2", True, True), ("2", False, False)],
)
def test_what_decides_is_what_lies_there(here: str | None, beside: bool, offered: bool) -> None:
    """A second `up` changes nothing; one after a killed one finishes it."""
    file = deploy._authkeys(at("alone-data", "data1"))
    texts = {"1": b"auth 1\n1 sha1 hunter1\n", "2": file.content.encode()}
    found = {} if here is None else {file.path: SeenFile(kind="file", content=texts[here])}
    if beside:
        found[rekey.waiting(file.path)] = SeenFile(kind="file", content=texts["2"])
    waiting = rekey.waiting(file.path)
    assert heartbeat.is_offered(file, waiting, Seen(files=found)) is offered
