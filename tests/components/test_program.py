"""The program itself, as the engine runs it: from the configuration to the outputs."""

from __future__ import annotations

import json
import runpy
import sys
from pathlib import Path
from typing import Any

import pulumi
import pytest

from tests.components import recorder
from tests.descriptions import description

PROGRAM = Path(__file__).parents[2] / "__main__.py"
LAB = {
    "uri": "qemu:///system?socket=/run/lab/libvirt-sock",
    "netns": "pw-test",
    "pool": "pairwise",
    "kvm": False,
    "image": {"disk": "/cache/disk.qcow2", "key": "0123456789abcdef"},
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


def test_the_program_declares_the_stack_of_its_configuration() -> None:
    declared = run({"stack": description("six"), "lab": LAB})

    assert set(declared.of_type("Domain")) == {
        f"{member}-{member}{n}" + "-domain" for member in ("lb", "web", "data") for n in (1, 2)
    }


def test_a_bad_description_is_told_in_sentences_and_declares_nothing() -> None:
    with pytest.raises(pulumi.RunError, match=r"1 error, nothing was created\.\n  - Unknown key"):
        run({"stack": description("six") | {"colour": "red"}, "lab": LAB})


def test_a_missing_lab_is_told_in_a_sentence() -> None:
    with pytest.raises(pulumi.RunError, match=r"has no pairwise:lab: run `pairwise up six`"):
        run({"stack": description("six")})
