"""No secret leaves the places that it belongs to."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from drills.running import ROOT, LiveStack

pytestmark = pytest.mark.calm

KEY_LINE = re.compile(r"[A-Za-z0-9+/]{64,70}")
"""A full line of a key's text; the first ones are alike in all keys, and are left out below."""
COMMON_LINES = 2
"""Lines that hold names of algorithms and the public key, which is no secret."""


def secrets_of(stack: LiveStack) -> list[str]:
    """Every password in the stack's state, and distinctive parts of every private key."""
    state = stack.pairwise("shell", stack.name, "-c", "pulumi stack export --show-secrets").stdout
    found = [
        json.loads(resource["outputs"]["result"]["plaintext"])
        for resource in json.loads(state)["deployment"]["resources"]
        if resource["type"] == "pyinfra:index:Password"
    ]

    def walk(value: object) -> Iterator[str]:
        if isinstance(value, dict):
            for item in value.values():
                yield from walk(item)
        elif isinstance(value, list):
            for item in value:
                yield from walk(item)
        elif isinstance(value, str) and "PRIVATE KEY" in value:
            yield value

    for text in walk(json.loads(state)):
        lines = text.replace("\\n", "\n").splitlines()
        secret = [line for line in map(str.strip, lines) if KEY_LINE.fullmatch(line)]
        found += secret[COMMON_LINES:]
    return sorted(set(found))


@pytest.fixture
def keys(six: LiveStack) -> list[str]:
    found = secrets_of(six)
    assert len(found) > 3, "the state holds no secrets: the test would prove nothing"
    return found


def test_outputs_and_state_hold_no_secret(six: LiveStack, keys: list[str]) -> None:
    outputs = {
        "preview": six.pairwise("preview", "six", "--diff"),
        "preview --json": six.pairwise("preview", "six", "--json"),
        "preview --markdown": six.pairwise("preview", "six", "--markdown"),
        "up": six.up(),
        "export": six.pairwise("shell", "six", "-c", "pulumi stack export"),
    }
    for name, done in outputs.items():
        text = done.stdout + done.stderr
        assert not [key for key in keys if key in text], f"{name} holds a secret"


def test_logs_and_process_lists_hold_no_secret(six: LiveStack, keys: list[str]) -> None:
    for path in Path(ROOT / ".pairwise").rglob("*.log"):
        text = path.read_text(errors="replace")
        assert not [key for key in keys if key in text], f"{path.name} holds a secret"
    processes = subprocess.check_output(["ps", "-ww", "-eo", "args"], text=True)
    assert not [key for key in keys if key in processes]
    for node in six.plan.nodes:
        listed = six.exec(node, "ps -ww -eo args; journalctl --no-pager --output cat -b")
        assert not [key for key in keys if key in listed], f"{node} shows a secret"


def test_state_is_small_and_holds_no_diff(six: LiveStack) -> None:
    exported = six.pairwise("shell", "six", "-c", "pulumi stack export").stdout
    # What the engine indents for reading is no content.
    state = json.dumps(json.loads(exported), separators=(",", ":"))
    assert len(state) < 200 * 1024, f"{len(state)} bytes"
    assert "@@ -" not in state
