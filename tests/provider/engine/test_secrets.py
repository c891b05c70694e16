"""No secret value is anywhere but encrypted in the state and on the machine that needs it."""

import json
import time
from pathlib import Path

import pytest

from tests.provider.engine.harness import PASSPHRASE, Project
from tests.provider.sshd import wait_until

pytestmark = pytest.mark.live

BY_HAND = "typed-by-hand-7391"


def _secret(pair: Project) -> str:
    exported = pair.pulumi("stack", "export", "--show-secrets").stdout
    for resource in json.loads(exported)["deployment"]["resources"]:
        if resource["type"] == "pyinfra:index:Password":
            return str(json.loads(resource["outputs"]["result"]["plaintext"]))
    raise AssertionError("no password in the state")


def _everything_shown(pair: Project) -> str:
    """Return what previews, the state on disk and the results between phases hold."""
    texts = [
        pair.preview().text,
        pair.pulumi("preview", "--json").text,
        json.dumps(pair.state()),
    ]
    for folder in ("state", "dry-runs"):
        for path in (pair.folder / folder).rglob("*"):
            if path.is_file():
                texts.append(path.read_text(errors="replace"))
    return "\n".join(texts)


def test_no_value_in_preview_state_or_log(pair: Project) -> None:
    """Drift of a secret file and its repair show the name only."""
    first = pair.up().text
    value = _secret(pair)
    key_line = pair.given["key"].splitlines()[2]
    keys = pair.root("lb1") / "keys"
    assert value in keys.read_text()
    keys.write_text(f"key {BY_HAND}\n")
    shown = _everything_shown(pair)
    assert "content differs (holds secret vrrp)" in shown
    shown += first + pair.pulumi("up", "--yes", "--diff", "--debug").text
    assert value in keys.read_text()
    shown += _everything_shown(pair)
    for secret in (value, BY_HAND, key_line):
        assert secret not in shown


def test_rotated_secret_shows_neither_value(pair: Project) -> None:
    """Old and new value stay hidden while the preview says that the file differs."""
    pair.up()
    old = _secret(pair)
    pair.given["secrets"] = ["vrrp"]
    pair.given["password_length"] = 24
    urn = "urn:pulumi:dev::t::pyinfra:index:Password::vrrp"
    # A secret is made once; replacing it is how it is rotated.
    text = pair.pulumi("up", "--yes", "--diff", "--debug", "--replace", urn).text
    new = _secret(pair)
    assert new != old
    assert new in (pair.root("lb1") / "keys").read_text()
    text += _everything_shown(pair)
    assert old not in text
    assert new not in text


def test_no_value_on_any_command_line(pair: Project) -> None:
    """Neither key nor passphrase nor secrets in `ps` while an apply runs."""
    pair.node("lb", "lb1")["slow"] = {"configure": 2}
    process = pair.popen("up", "--yes", "--skip-preview")
    seen: set[bytes] = set()
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                seen.add(path.read_bytes())
            except OSError:
                continue
    process.communicate(timeout=10)
    assert any(b"provider.child" in line for line in seen)
    together = b"\n".join(line for line in seen if b"printf %s" not in line)
    key_line = pair.given["key"].splitlines()[2]
    for secret in (PASSPHRASE, key_line):
        assert secret.encode() not in together


def test_child_has_no_passphrase_in_its_environment(pair: Project) -> None:
    """The state's passphrase is the engine's business."""
    pair.node("lb", "lb1")["slow"] = {"install": 4}
    process = pair.popen("up", "--yes", "--skip-preview")
    marker = pair.root("lb1") / "started-install"
    wait_until(marker.exists, timeout_s=60, what="the apply")
    [child] = pair.children()
    environment = Path(f"/proc/{child}/environ").read_bytes()
    process.communicate(timeout=60)
    assert b"PASSPHRASE" not in environment
    assert PASSPHRASE.encode() not in environment
