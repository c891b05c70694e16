"""A session that a replica does not take is not forgotten by HAProxy: it would last for hours."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bootstrap.blocks.rw_split import deploy
from bootstrap.deploy import render_all
from lab.image import run_in_root
from tests.golden.checkers.in_root import baked
from tests.golden.tree import plans
from tests.split import refusals

pytestmark = pytest.mark.image

PROGRAM = "/root/refusals.py"
ROUNDS = 4


@pytest.mark.parametrize("how", ("refuses", "hangs"))
def test_a_session_that_a_replica_does_not_take_ends(how: str) -> None:
    plan = plans()["duo-ports"]
    split = plan.nodes["server1"].split
    assert split is not None
    text = render_all(plan)["server1"][deploy.CONFIG].content
    for backend, host in zip(split.backends, (refusals.SOURCE, refusals.REPLICA), strict=True):
        text = text.replace(f" {backend.address}", f" {host}")
    program = Path(str(refusals.__file__)).read_text(encoding="utf-8")
    command = ["python3", PROGRAM, deploy.CONFIG, str(ROUNDS), how]
    done = run_in_root(baked(), command, files={deploy.CONFIG: text, PROGRAM: program})
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    print(how, seen)
    assert seen["forgotten"] == 0, seen
    # As it goes away each client may have one that fails, and another one that is cut.
    assert seen["failed"] <= 3 * ROUNDS * refusals.CLIENTS, seen
    assert seen["asked"] >= 100 * ROUNDS, seen
