"""Two machines on an image without the roles' packages: `up` brings them, and starts nothing early.

A stack of its own beside whatever the lab runs, on an image baked for it, with apt's only source
inside the lab. It is destroyed at the end.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from drills.running import ROOT, LiveStack
from drills.wait import wait_until
from lab import image_minimal, server
from lab.hypervisor import Lab
from stacks.load import CONFIG_KEY, stack_file
from tests.descriptions import changed, description

pytestmark = [pytest.mark.live, pytest.mark.minimal]

NAME = "minimal"
NODES = ("server1", "server2")
HYPERVISOR = "10.79.9.1"
CHANGES: dict[str, Any] = {
    "id": 79,
    "domain": "minimal.lab",
    "notify": {"lab": True},
    "networks.outside.cidr": "10.79.1.0/24",
    "networks.inside.cidr": "10.79.2.0/24",
    "networks.mgmt.cidr": "10.79.9.0/24",
    "pairs.duo.vips.outside.address": "10.79.1.239",
    "pairs.duo.vips.inside.address": "10.79.2.150",
}
"""What makes of stack duo one that no other lab network meets."""
INSTALLED_BY_UP = {
    "nginx": "/etc/nginx/nginx.conf",
    "keepalived": "/etc/keepalived/keepalived.conf",
}
"""Units whose packages the image lacks, and the file that each must find when it starts."""
TOLD_S = 60
"""A message leaves within seconds; the longest pause between two tries is 30 s."""


@pytest.fixture(scope="module")
def minimal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveStack]:
    """The stack, brought up once."""
    lab = Lab.of_checkout(ROOT)
    baked = image_minimal.ensure(lab.paths, hypervisor=HYPERVISOR)
    folder = tmp_path_factory.mktemp("stacks")
    text = changed(description("duo"), put={**CHANGES, "image": str(baked.disk)})
    file = stack_file(folder, NAME)
    file.write_text(yaml.safe_dump({"config": {CONFIG_KEY: text}}, sort_keys=False))
    stack = LiveStack(NAME, lab.netns, lab.uri, folder)
    lacking = (baked.root_tree / "usr/sbin/nginx", baked.root_tree / "usr/sbin/keepalived")
    assert not any(path.exists() for path in lacking), "the image is not minimal"
    try:
        stack.up()
        yield stack
    finally:
        stack.pairwise("destroy", NAME, "--yes", check=False)


@pytest.mark.parametrize("node", NODES)
def test_packages_came_in_one_transaction(minimal: LiveStack, node: str) -> None:
    history = minimal.exec(node, "cat /var/log/apt/history.log")
    installs = [line for line in history.splitlines() if line.startswith("Install: ")]
    assert len(installs) == 1, history
    for name in INSTALLED_BY_UP:
        assert f"{name}:" in installs[0]


@pytest.mark.parametrize("unit", sorted(INSTALLED_BY_UP))
@pytest.mark.parametrize("node", NODES)
def test_no_service_started_before_its_configuration(
    minimal: LiveStack, node: str, unit: str
) -> None:
    """One start since the machine was made, and later than the file that it reads."""
    starts = minimal.exec(
        node,
        f"journalctl _PID=1 -u {unit} -o short-unix --no-pager | grep ' Starting ' || true",
    ).splitlines()
    assert len(starts) == 1, starts
    written = float(minimal.exec(node, f"stat -c %.Y {INSTALLED_BY_UP[unit]}"))
    assert float(starts[0].split()[0]) >= written


def test_a_second_up_changes_nothing(minimal: LiveStack) -> None:
    assert minimal.preview()["changes"] == 0
    minimal.up()
    assert minimal.preview()["changes"] == 0


def test_verify_passes(minimal: LiveStack) -> None:
    minimal.pairwise("verify", NAME)


def test_the_lab_was_told_who_holds_the_vips(minimal: LiveStack) -> None:
    file = server.notifications_file(Lab.of_checkout(ROOT).paths)
    wanted = {(vip.name, "active") for vip in minimal.plan.vips}

    def told() -> bool:
        return wanted <= _told(file)

    wait_until(told, what="the messages about both VIPs", timeout_s=TOLD_S, every_s=1)


def _told(file: Path) -> set[tuple[str, str]]:
    if not file.exists():
        return set()
    messages = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    return {(m["vip"], m["state"]) for m in messages if m["pair"] == "duo"}
