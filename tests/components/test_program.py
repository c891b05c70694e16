"""The program itself, as the engine runs it: from the configuration to the outputs."""

from __future__ import annotations

import json
import runpy
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pulumi
import pytest

from tests.components import recorder
from tests.descriptions import description

PROGRAM = Path(__file__).parents[2] / "__main__.py"


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[dict[str, Any]]:
    """A lab whose libvirtd accepts connections and whose image is there."""
    disk = tmp_path / "disk.qcow2"
    disk.touch()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as libvirtd:
        libvirtd.bind(str(tmp_path / "sock"))
        libvirtd.listen()
        yield {
            "uri": f"qemu:///system?socket={tmp_path / 'sock'}",
            "netns": "pw-test",
            "pool": "pairwise",
            "kvm": False,
            "fence": {"folder": str(tmp_path), "host_key": "ssh-ed25519 AAAAhost"},
            "image": {"disk": str(disk), "key": "0123456789abcdef"},
        }


@pytest.fixture(autouse=True)
def _own_traceback_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """The program shortens call stacks for its whole process."""
    monkeypatch.setattr(sys, "tracebacklimit", 1000, raising=False)


def run(config: dict[str, Any]) -> recorder.Recorder:
    pulumi.runtime.set_all_config({f"pairwise:{key}": json.dumps(v) for key, v in config.items()})

    def program() -> None:
        runpy.run_path(str(PROGRAM), run_name="__main__")

    return recorder.run_program(program, stack="six")


def test_the_program_is_short() -> None:
    assert len(PROGRAM.read_text().splitlines()) <= 40


def test_the_program_declares_the_stack_of_its_configuration(lab: dict[str, Any]) -> None:
    declared = run({"stack": description("six"), "lab": lab})

    assert set(declared.of_type("Domain")) == {
        f"{member}-{member}{n}" + "-domain" for member in ("lb", "web", "data") for n in (1, 2)
    }


def test_a_bad_description_is_told_in_sentences_and_declares_nothing(lab: dict[str, Any]) -> None:
    with pytest.raises(pulumi.RunError, match=r"1 error, nothing was created\.\n  - Unknown key"):
        run({"stack": description("six") | {"colour": "red"}, "lab": lab})


def test_a_missing_lab_is_told_in_a_sentence() -> None:
    with pytest.raises(pulumi.RunError, match=r"has no pairwise:lab: run `pairwise up six`"):
        run({"stack": description("six")})


def test_a_hypervisor_that_is_not_there_is_told_before_anything_is_made(
    lab: dict[str, Any], tmp_path: Path
) -> None:
    lab["uri"] = f"qemu:///system?socket={tmp_path / 'gone'}"

    with pytest.raises(pulumi.RunError, match=r"does not answer at .*gone .*`pairwise lab up`"):
        run({"stack": description("six"), "lab": lab})


def test_an_image_that_is_gone_is_told_before_anything_is_made(lab: dict[str, Any]) -> None:
    lab["image"]["kernel"] = "/cache/vmlinuz"

    with pytest.raises(pulumi.RunError, match=r"lacks its file /cache/vmlinuz: run `pairwise lab"):
        run({"stack": description("six"), "lab": lab})


def test_an_offline_run_asks_no_hypervisor(lab: dict[str, Any]) -> None:
    lab["uri"] = "qemu:///system?socket=/nowhere"

    assert run({"stack": description("six"), "lab": lab, "offline": True}).of_type("Domain")
