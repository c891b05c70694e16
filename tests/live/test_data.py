"""The data pair of six: rows and uploads of the site, and the drills of every run."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from cli.commands_drill import applying
from drills.running import LiveStack
from tests.golden.tree import plans
from tests.live.web import ask, upload_of
from tests.on_machines import assert_drill_passes

WWW1, WWW2 = "10.71.1.201", "10.71.1.202"
CORE = ("power-cut-both",)
"""The fault that the pair was built for; `pairwise drill list six` has all."""
MORE = tuple(drill.name for drill in applying(plans()["six"]) if drill.name not in CORE)
"""All others: the author's own test is `heartbeat-stop`."""


@pytest.mark.calm
def test_rows_of_one_balancer_are_read_through_the_other(six: LiveStack) -> None:
    status, told = ask(six, f"http://{WWW1}/app/rows", "--data", "text=from-the-test")
    assert (status, told.get("kept_in")) == (201, "database"), told
    seen = json.loads(six.inside("curl", "--silent", "--fail", f"http://{WWW2}/app/rows"))
    assert told["id"] in [row["id"] for row in seen]


@pytest.mark.calm
def test_an_upload_is_on_the_share_whole(six: LiveStack, tmp_path: Path) -> None:
    file = upload_of(tmp_path, mib=2)
    status, told = ask(six, f"http://{WWW1}/app/upload", "--form", f"file=@{file}")
    assert (status, told.get("kept_in")) == (201, "share"), told
    for node in ("web1", "web2"):
        read = (
            f"setpriv --reuid www-data --clear-groups sha256sum /srv/files/uploads/{told['sha256']}"
        )
        assert six.exec(node, read).split()[0] == hashlib.sha256(file.read_bytes()).hexdigest()


@pytest.mark.calm
@pytest.mark.parametrize("name", CORE)
def test_drill_passes(six: LiveStack, name: str) -> None:
    assert_drill_passes(six, name)


@pytest.mark.calm
@pytest.mark.load
@pytest.mark.parametrize("name", MORE)
def test_further_drill_passes(six: LiveStack, name: str) -> None:
    assert_drill_passes(six, name)
