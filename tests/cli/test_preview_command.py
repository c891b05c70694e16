"""``pairwise preview`` with a stand-in for Pulumi: what it asks, and what it prints."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from cli import commands_run
from cli.checkout import Checkout
from cli.engine import Engine
from cli.hidden import SECRET, SIGN
from cli.main import run
from tests.cli.digests import CASES, CONFIG, deploy, digest
from tests.descriptions import STACKS

VALUE = "fake-3f8-not-a-password"
STATE = {
    "deployment": {
        "resources": [
            {
                "urn": "urn:pulumi:six::pairwise::pyinfra:index:Password::lb-vrrp",
                "outputs": {"result": {SIGN: SECRET, "plaintext": json.dumps(VALUE)}},
            }
        ]
    }
}
PULUMI = """#!/bin/sh
echo "$*" >>"{root}/asked"
case "$1 $2" in
    "stack export") cat "{root}/state.json" ;;
    preview*) cat "{root}/digest.json"; exit "$(cat "{root}/code")" ;;
esac
"""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout of its own whose Pulumi answers from files."""
    monkeypatch.delenv("PAIRWISE_STACKS", raising=False)
    shutil.copytree(STACKS, tmp_path / "stacks", ignore=shutil.ignore_patterns("*.py", "_*"))
    shutil.copy(STACKS.parent / "Pulumi.yaml", tmp_path)
    pulumi = tmp_path / "pulumi"
    pulumi.write_text(PULUMI.format(root=tmp_path))
    pulumi.chmod(0o755)
    (tmp_path / "state.json").write_text(json.dumps(STATE))
    monkeypatch.setattr(Engine, "program", pulumi)
    monkeypatch.setattr(Engine, "_lab", lambda _: {"uri": "u"})
    monkeypatch.setattr(commands_run, "Checkout", lambda: Checkout(root=tmp_path))
    monkeypatch.setattr(commands_run, "ensure_ready", lambda *_: None)
    return tmp_path


def answers(root: Path, text: str, *, code: int = 0) -> None:
    """What the engine will say."""
    (root / "digest.json").write_text(text)
    (root / "code").write_text(str(code))


def asked(root: Path) -> str:
    """How the engine was called for the preview."""
    lines = (root / "asked").read_text().splitlines()
    return next(line for line in lines if line.startswith("preview"))


def test_live_preview_has_the_engine_read_the_machines(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answers(root, CASES["one_number"])
    assert run(["preview", "six", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["kind"] == "live"
    assert "refresh" not in asked(root)


def test_offline_preview_asks_nobody_and_says_so(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answers(root, CASES["one_number"])
    assert run(["preview", "six", "--offline", "--markdown"]) == 0
    assert "Offline preview" in capsys.readouterr().out
    assert "--refresh=false" in asked(root)
    assert "pairwise:offline: true" in (root / ".pairwise/stacks/Pulumi.six.yaml").read_text()


def test_secrets_of_the_state_and_the_passphrase_stay_out_of_the_comment(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answers(root, digest())
    assert run(["preview", "six", "--json"]) == 0
    passphrase = (root / ".pairwise" / "passphrase").read_text()
    capsys.readouterr()
    diff = ["-a", f"+auth_pass {VALUE}", f"+also {passphrase}"]
    answers(root, digest(deploy("lb", {"lb1": {CONFIG: diff}})))
    assert run(["preview", "six", "--markdown"]) == 0
    text = capsys.readouterr().out
    assert VALUE not in text
    assert passphrase not in text
    assert "+auth_pass (secret lb-vrrp result)" in text


@pytest.mark.parametrize("said", [CASES["ended_early"], "panic: no document"])
def test_preview_that_fails_leaves_a_comment_and_the_exit_code(
    root: Path, capsys: pytest.CaptureFixture[str], said: str
) -> None:
    answers(root, said, code=255)
    assert run(["preview", "six", "--markdown"]) == 1
    captured = capsys.readouterr()
    assert "This preview could not be finished" in captured.out
    assert "mend what it says and run it again" in captured.err


def test_failed_preview_prints_no_json(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answers(root, CASES["ended_early"], code=255)
    assert run(["preview", "six", "--json"]) == 1
    assert capsys.readouterr().out == ""
