"""Help texts, usage errors and exit codes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from cli.main import SECTIONS, pairwise, run
from tests.descriptions import STACKS

OFFERED = {
    "doctor", "lab", "up", "preview", "destroy", "status", "verify", "ssh", "exec", "console",
    "start", "stop", "switchover", "activate", "fence", "heal", "repair", "replication", "render",
    "where", "graph", "shell", "drill",
}  # fmt: skip
"""The commands of this issue; those of later ones are not offered."""


def every_command() -> Iterator[tuple[str, click.Command]]:
    for name, command in sorted(pairwise.commands.items()):
        yield name, command
        if isinstance(command, click.Group):
            for below, inner in sorted(command.commands.items()):
                yield f"{name} {below}", inner


def test_commands_are_those_of_the_issue_and_each_is_in_a_section() -> None:
    assert set(pairwise.commands) == OFFERED
    assert {c.name for commands in SECTIONS.values() for c in commands} == OFFERED


@pytest.mark.parametrize("name", [name for name, _ in every_command()])
def test_every_help_has_an_example(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*name.split(), "--help"]) == 0
    text = capsys.readouterr().out
    assert "Example:\n" in text
    assert f"pairwise {name.split()[0]}" in text.partition("Example:")[2]


@pytest.mark.parametrize(
    "arguments",
    [
        ["up"],
        ["nonsense"],
        ["up", "nope"],
        ["up", "six", "--nope"],
        ["where", "six", "nobody"],
        ["where", "six", "lb1", "nope"],
        ["preview", "six", "--json", "--markdown"],
        ["exec", "six", "lb1"],
        ["destroy", "six"],
        [],
    ],
)
def test_usage_errors_end_with_three(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == 3
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.strip()


def test_unknown_stack_lists_those_that_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    run(["graph", "nope"])
    assert "choose one of: duo, gateway, lvs, nfs, six, six-gtid." in capsys.readouterr().err


def test_bad_description_is_told_before_anything_is_touched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (STACKS / "Pulumi.six.yaml").read_text().replace("vrid: 52", "vrid: 51")
    (tmp_path / "Pulumi.six.yaml").write_text(text)
    monkeypatch.setenv("PAIRWISE_STACKS", str(tmp_path))
    assert run(["up", "six"]) == 1
    assert "nothing was created" in capsys.readouterr().err


def test_destroy_of_a_protected_stack_says_how(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (STACKS / "Pulumi.six.yaml").read_text()
    text = text.replace("    id: 1\n    domain", "    protect_data: true\n    id: 1\n    domain")
    (tmp_path / "Pulumi.six.yaml").write_text(text)
    monkeypatch.setenv("PAIRWISE_STACKS", str(tmp_path))
    assert run(["destroy", "six", "--yes"]) == 1
    assert "set `protect_data: false`" in capsys.readouterr().err
