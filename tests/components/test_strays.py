"""What an interrupted run left behind is removed by name, and data volumes never are."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pulumi
import pytest

from components import strays
from components.settings import Place
from tests.components.recorder import declare
from tests.descriptions import six

PLACE = Place(name="lab", uri="test:///default", pool="pairwise", kvm=False, netns=None)


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A virsh that writes down how it was called, and fails as it does when nothing is there."""
    log = tmp_path / "calls"
    virsh = tmp_path / "virsh"
    virsh.write_text(f'#!/bin/sh\necho "$@" >>{log}\nexit 1\n')
    virsh.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    return log


def run(hook: strays.Hook, name: str) -> None:
    async def call() -> None:
        args = pulumi.ResourceHookArgs(urn="", id="", name="", type="", new_inputs={"name": name})
        await hook(args)

    asyncio.run(call())


def test_a_stray_machine_is_stopped_and_undefined(calls: Path) -> None:
    run(strays.removal_of_domains(PLACE), "six-lb1")

    assert calls.read_text().splitlines() == [
        "--quiet --connect test:///default destroy six-lb1",
        "--quiet --connect test:///default undefine six-lb1"
        " --managed-save --snapshots-metadata --nvram",
    ]


def test_a_stray_network_is_stopped_and_undefined(calls: Path) -> None:
    run(strays.removal_of_networks(PLACE), "six-lan")

    assert [line.split()[3] for line in calls.read_text().splitlines()] == [
        "net-destroy",
        "net-undefine",
    ]


def test_a_stray_volume_is_deleted_from_its_pool(calls: Path) -> None:
    run(strays.removal_of_volumes(PLACE), "six-lb1-root.qcow2")

    assert calls.read_text().endswith("vol-delete six-lb1-root.qcow2 --pool pairwise\n")


def test_without_virsh_nothing_is_tried(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    run(strays.removal_of_domains(PLACE), "six-lb1")


def test_only_data_volumes_have_no_hook() -> None:
    recorder = declare(six())

    without = {
        r.name
        for r in recorder.resources
        if r.type.startswith("libvirt:") and not r.request.hooks.before_create
    }
    assert without == {f"data-{d}-data{n}" for d in ("mysql", "nfs") for n in (1, 2)}
