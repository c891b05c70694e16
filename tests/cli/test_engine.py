"""The engine's environment and the creation of a stack, without an engine."""

from __future__ import annotations

import os
import shutil
import signal
import stat
from pathlib import Path
from typing import Any

import pytest
import yaml

from cli.checkout import Checkout
from cli.engine import Engine
from cli.errors import CommandError
from tests.cli.test_look import plan
from tests.descriptions import STACKS

SALT = "v1:abc:v1:def"


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """Stack six in a checkout of its own, outside the real one."""
    monkeypatch.delenv("PAIRWISE_STACKS", raising=False)
    shutil.copytree(STACKS, tmp_path / "stacks", ignore=shutil.ignore_patterns("*.py", "_*"))
    shutil.copy(STACKS.parent / "Pulumi.yaml", tmp_path)
    monkeypatch.setattr(Engine, "_lab", lambda _: {"uri": "u"})
    return Engine(Checkout(root=tmp_path), plan("six"))


def test_passphrase_is_private_and_made_once(engine: Engine) -> None:
    first = Path(engine.environment()["PULUMI_CONFIG_PASSPHRASE_FILE"])
    text = first.read_text()
    assert stat.S_IMODE(first.stat().st_mode) == 0o600
    assert len(text) >= 20
    engine.environment()
    assert first.read_text() == text
    assert [path.name for path in first.parent.iterdir()] == ["passphrase"]


def test_engine_works_on_the_copy_and_with_the_project_s_python_first(engine: Engine) -> None:
    environment = engine.environment()
    assert environment["PULUMI_OPTION_CONFIG_FILE"] == str(engine.copy)
    assert environment["PATH"].startswith(str(engine.checkout.root / ".venv" / "bin"))
    assert "/usr/sbin" in environment["PATH"].split(":")
    assert environment["PULUMI_BACKEND_URL"] == f"file://{engine.checkout.root}/.pairwise/state"


def test_variables_that_would_mislead_the_engine_are_dropped(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "mine")
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    assert not {"PULUMI_CONFIG_PASSPHRASE", "PYTHONPATH"} & set(engine.environment())


def test_creating_a_stack_leaves_the_tracked_description_alone(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, ...]] = []

    def query(_: Engine, *arguments: str, cwd: Path | None = None, **__: Any) -> str:
        """What `pulumi stack init` does: it writes into the project that it runs in."""
        asked.append(arguments)
        assert cwd is not None
        file = yaml.safe_load((cwd / "Pulumi.yaml").read_text())
        folder = cwd / file.get("stackConfigDir", ".")
        (folder / "Pulumi.six.yaml").write_text(f"encryptionsalt: {SALT}\n")
        return ""

    monkeypatch.setattr(Engine, "query", query)
    tracked = engine.checkout.root / "stacks" / "Pulumi.six.yaml"
    before = tracked.read_bytes()
    engine.prepare()
    assert asked[0][:3] == ("stack", "init", "six")
    assert tracked.read_bytes() == before
    assert yaml.safe_load(engine.copy.read_text())["encryptionsalt"] == SALT


def test_outputs_of_a_stack_that_never_was_up_are_a_sentence(engine: Engine) -> None:
    with pytest.raises(CommandError, match="run `pairwise up six`"):
        engine.outputs()


TALKS_UNTIL_ENDED = "trap 'exit 1' INT; while :; do echo 0123456789012345678901234567890; done"
"""An engine that fills the pipe and ends when it is asked to."""


@pytest.mark.parametrize("before", [signal.default_int_handler, signal.SIG_IGN])
def test_engine_is_ended_when_nobody_reads_on(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, before: signal.Handlers
) -> None:
    """`pairwise up six | head` ends, under nohup too; neither of the two waits for the other."""
    monkeypatch.setattr(Engine, "argv", lambda *_: ["sh", "-c", TALKS_UNTIL_ENDED])
    usual = signal.signal(signal.SIGINT, before)
    try:
        with pytest.raises(BrokenPipeError), engine.running("up") as process:
            assert process.stdout is not None and process.stdout.readline()
            raise BrokenPipeError
        assert process.returncode == 1
    finally:
        signal.signal(signal.SIGINT, usual)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_ended_by_a_signal_is_a_sentence(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, number: int, code: int
) -> None:
    script = "trap 'exit 1' INT TERM; echo ready; while :; do sleep 0.1; done"
    monkeypatch.setattr(Engine, "argv", lambda *_: ["sh", "-c", script])
    ended = pytest.raises(CommandError, match="was ended before it was done")
    with ended as raised, engine.running("up") as process:
        assert process.stdout is not None and process.stdout.readline()
        os.kill(os.getpid(), number)
        process.stdout.read()
    assert raised.value.code == code
