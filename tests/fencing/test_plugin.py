"""Heartbeat's way to the fence: cluster-glue's own program calls the plugin in the golden image."""

from __future__ import annotations

import json

import pytest

from bootstrap.blocks.fencing import deploy
from bootstrap.shared import pairs
from lab.image import run_in_root
from tests.golden.checkers.in_root import baked
from tests.golden.tree import plans

pytestmark = pytest.mark.image

PROGRAM = f"""
import json, os, subprocess
def written(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(text)
    os.chmod(path, 0o755)
found = {{}}
os.chmod("{deploy.PLUGIN}", 0o755)
for answer in (0, 1):
    written("{pairs.FENCE}", f'#!/bin/sh\\necho "$*" >>/tmp/asked\\nexit {{answer}}\\n')
    argv = ["stonith", "-t", "external/pairwise", "-p", "nfs2", "-T", "reset", "nfs2"]
    found[answer] = subprocess.run(argv, capture_output=True, timeout=30).returncode
found["asked"] = open("/tmp/asked").read()
print(json.dumps(found))
"""


def test_the_peer_is_off_only_when_the_fence_says_so() -> None:
    plan = next(p for p in plans()["nfs"].deploys.values() if p.is_pair)
    files = {file.path: file.content for file in deploy.files(plan.nodes["nfs1"], plan)}
    plugin = {deploy.PLUGIN: files[deploy.PLUGIN]}
    done = run_in_root(baked(), ["python3", "-c", PROGRAM], files=plugin)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["0"] == 0
    assert found["1"] != 0
    assert found["asked"] == "nfs2 heartbeat\n" * 2
