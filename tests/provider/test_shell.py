"""Commands of a host run one after the other in one shell, and none of them sees another."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from pyinfra.api.arguments import CONNECTOR_ARGUMENT_KEYS, all_argument_meta
from pyinfra.api.command import StringCommand
from pyinfra.api.config import Config

from provider.shell import ALWAYS, NOT_ENDED, OneShell, Shell
from provider.ssh import TEMP_DIR, make_node


@pytest.fixture
def opened() -> Iterator[list[Any]]:
    """Streams of a shell, for whoever asks for a channel."""
    pipe = subprocess.PIPE
    with subprocess.Popen(["sh"], stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
        yield [process.stdin, process.stdout, process.stderr]
        process.kill()


@pytest.fixture
def shell(opened: list[Any]) -> Shell:
    return Shell(*opened)


def run(shell: Shell, command: str) -> tuple[int, list[tuple[str, str]]]:
    code, said = shell.run(command)
    return code, sorted((line.buffer_name, line.line) for line in said)


@pytest.mark.parametrize(
    ("command", "code", "said"),
    [
        ("true", 0, []),
        ("echo up", 0, [("stdout", "up")]),
        ("printf 'no end'", 0, [("stdout", "no end")]),
        ("printf 'a\\n\\n'", 0, [("stdout", ""), ("stdout", "a")]),
        ("echo out; echo wrong >&2; exit 3", 3, [("stderr", "wrong"), ("stdout", "out")]),
        ("echo it\\'s; false", 1, [("stdout", "it's")]),
        ("cat; kill -9 $(exec sh -c 'echo $PPID')", 137, [("stderr", "Killed")]),
        ("trap 'echo left' EXIT; false", 1, [("stdout", "left")]),
    ],
)
def test_a_command_has_its_code_and_what_it_said(
    shell: Shell, command: str, code: int, said: list[tuple[str, str]]
) -> None:
    assert run(shell, command) == (code, said)
    assert run(shell, "echo next") == (0, [("stdout", "next")])


def test_a_command_that_no_shell_understands_ends_nothing_but_itself(shell: Shell) -> None:
    code, said = run(shell, "if then")
    assert code == 2
    assert "yntax error" in said[0][1]
    assert run(shell, "echo next") == (0, [("stdout", "next")])


def test_what_a_command_sets_ends_with_it(shell: Shell) -> None:
    here = run(shell, "pwd; umask")
    assert run(shell, "cd /; umask 077; word=set; set -e")[0] == 0
    assert run(shell, "pwd; umask") == here
    assert run(shell, 'echo "${word-unset}"; false; echo on') == (
        0,
        [("stdout", "on"), ("stdout", "unset")],
    )


def test_an_ordinary_command_needs_no_channel_of_its_own() -> None:
    """What pyinfra passes when nobody has asked for anything."""
    config = Config(TEMP_DIR=TEMP_DIR)
    passed = {name: all_argument_meta[name].default(config) for name in [*CONNECTOR_ARGUMENT_KEYS]}
    assert {name for name, value in passed.items() if value} == ALWAYS


@pytest.mark.parametrize("command", ["echo $((1 + 1))", StringCommand("echo", "$((1 + 1))")])
def test_facts_and_operations_share_one_channel(
    opened: list[Any], tmp_path: Path, command: Any
) -> None:
    """A fact's command is a str."""
    host = {"address": "192.0.2.1", "port": 22, "user": "root", "host_key": "ssh-ed25519 AAAA"}
    connector = make_node("node", host, key="", known_hosts=tmp_path, cache=False).host.connector
    assert isinstance(connector, OneShell)
    asked: list[str] = []

    def exec_command(text: str) -> list[Any]:
        asked.append(text)
        return opened

    connector.client = cast(Any, SimpleNamespace(exec_command=exec_command))
    found = [connector.run_shell_command(command) for _ in range(2)]
    assert [(ok, output.stdout) for ok, output in found] == [(True, "2")] * 2
    assert asked == ["exec sh"]


def test_a_shell_that_has_gone_gives_no_code(shell: Shell) -> None:
    assert run(shell, "echo half; kill -9 $$") == (NOT_ENDED, [("stdout", "half")])
