"""The drills of stack duo: document 003's own test, and the faults that its pair was built for."""

from __future__ import annotations

import hashlib
from functools import partial
from pathlib import Path

import pytest

from bootstrap.facts.mysql import CLIENT
from cli.commands_drill import applying
from drills.running import LiveStack
from drills.wait import wait_until
from tests.golden.tree import plans
from tests.live.web import ask, upload_of, vips_of
from tests.on_machines import assert_drill_passes, assert_unchanged
from tests.uploads import is_kept

CORE = ("sequence-there", "source-mysqld-killed")
"""Those that `make test-duo` repeats, and with it `.ci/run`; `pairwise drill list duo` has all. The
author's test begins with the source's power cut, so the other is a fault without a boot."""
MORE = tuple(drill.name for drill in applying(plans()["duo"]) if drill.name not in CORE)
"""All others, controls too."""


@pytest.mark.calm
def test_up_leaves_nothing_to_do(duo: LiveStack) -> None:
    assert_unchanged(duo)


@pytest.mark.calm
def test_verify_passes(duo: LiveStack) -> None:
    duo.pairwise("verify", "duo")


@pytest.mark.calm
def test_every_condition_of_the_replication_holds(duo: LiveStack) -> None:
    duo.pairwise("replication", "check", "duo")


@pytest.mark.calm
def test_an_upload_is_in_the_database_of_both_nodes(duo: LiveStack, tmp_path: Path) -> None:
    """There is no share. A larger file takes emulated machines longer than nginx waits."""
    file = upload_of(tmp_path, mib=1)
    sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
    url = f"http://{vips_of(duo)[0]}/app/upload"
    status, told = ask(duo, url, "--form", f"file=@{file}")
    assert (status, told.get("kept_in"), told.get("sha256")) == (201, "database", sha256), told
    for node in duo.plan.nodes:
        kept = partial(is_kept, partial(duo.exec, node), sha256, parts=8)
        wait_until(kept, what=f"the upload on {node}", timeout_s=30)


@pytest.mark.calm
@pytest.mark.load
def test_a_pair_that_was_made_without_a_table_gets_it(duo: LiveStack) -> None:
    """As one has it whose first data were made before there was that table."""
    source = _source(duo)
    duo.exec(source, f"{CLIENT} -e 'RENAME TABLE site.contents TO site.kept'")
    try:
        told = duo.pairwise("preview", "duo").stdout
        assert "table site.contents is missing; it is made, empty" in told
        duo.pairwise("up", "duo")
        for node in duo.plan.nodes:
            wait_until(partial(_is_empty, duo, node), what=f"it on {node}", timeout_s=30)
    finally:
        back = "DROP TABLE IF EXISTS site.contents; RENAME TABLE site.kept TO site.contents"
        duo.exec(source, f"{CLIENT} -e '{back}'")
    assert_unchanged(duo)


def _is_empty(duo: LiveStack, node: str) -> bool:
    count = f"{CLIENT} -e 'SELECT COUNT(*) FROM site.contents'"
    return duo.exec(node, count, check=False).strip() == "0"


def _source(duo: LiveStack) -> str:
    groups = [group for pair in duo.status()["pairs"] for group in pair["groups"]]
    return str(next(group["active"] for group in groups if group["name"] == "mysql"))


@pytest.mark.calm
@pytest.mark.parametrize("name", CORE)
def test_drill_passes(duo: LiveStack, name: str) -> None:
    assert_drill_passes(duo, name)


@pytest.mark.calm
@pytest.mark.load
@pytest.mark.parametrize("name", MORE)
def test_further_drill_passes(duo: LiveStack, name: str) -> None:
    assert_drill_passes(duo, name)
