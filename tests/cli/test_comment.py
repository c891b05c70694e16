"""The comment for a pull request: its goldens, its length, and that no secret is in it."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from cli import ready
from cli.comment import MAX_BYTES, comment, marker
from cli.hidden import SECRET, SIGN, secrets_of_state
from cli.machines import Machines
from cli.main import run
from cli.preview import of_digest, unfinished
from tests.cli.digests import CASES, CONFIG, DIFF, DOMAIN, NO_ANSWER, deploy, digest, step
from tests.descriptions import STACKS

GOLDEN = Path(__file__).parent / "golden"
LIMIT = 65_536
"""Characters of a comment that GitHub takes."""
PASSWORD = "fake-Zk3-not-a-password-8dQ"
KEY = "\n".join(
    ["-----BEGIN OPENSSH PRIVATE KEY-----", "fakeFAKEfakeFAKEfakeFAKE", "-----END OPENSSH"]
)


def offline() -> str:
    """One number changed, and no machine asked."""
    return comment(of_digest("six", CASES["one_number"], offline=True))


COMMENTS: dict[str, Callable[[], str]] = {
    **{
        name: partial(comment, of_digest("six", text), hypervisors=["kvm1"])
        for name, text in CASES.items()
    },
    "offline": offline,
    "unreachable_hypervisor": partial(comment, unfinished("six", NO_ANSWER)),
}
"""Name of each golden and what writes it."""


@pytest.mark.parametrize("case", sorted(COMMENTS))
def test_comment_is_its_golden(case: str) -> None:
    expected = (GOLDEN / f"preview_{case}.md").read_text(encoding="utf-8")
    assert COMMENTS[case]() == expected


@pytest.mark.parametrize("case", sorted(COMMENTS))
def test_comment_begins_with_the_line_by_which_it_is_found_again(case: str) -> None:
    assert COMMENTS[case]().splitlines()[0] == marker("six") == "<!-- pairwise-preview six -->"


def test_preview_that_ended_early_shows_no_list_that_is_not_whole() -> None:
    text = COMMENTS["ended_early"]()
    assert "could not be finished" in text
    assert "`kvm1`" in text
    assert CONFIG not in text


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stack six on a hypervisor whose libvirtd is not there; the engine is never started."""
    text = (STACKS / "Pulumi.six.yaml").read_text()
    uri = "qemu+unix:///system?socket=/nonexistent/libvirt-sock"
    text = text.replace(
        "    management: mgmt\n", f"    management: mgmt\n    hypervisors: {{lab: '{uri}'}}\n"
    )
    (tmp_path / "Pulumi.six.yaml").write_text(text)
    monkeypatch.setenv("PAIRWISE_STACKS", str(tmp_path))
    monkeypatch.setattr(ready, "is_ready", lambda *_: True)
    refused = subprocess.CompletedProcess([], 1, "", "error: Cannot recv data")
    monkeypatch.setattr(Machines, "virsh", lambda *_: refused)
    return tmp_path


@pytest.mark.usefixtures("elsewhere")
def test_comment_for_a_hypervisor_that_gives_no_answer(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["preview", "six", "--markdown"]) == 1
    captured = capsys.readouterr()
    assert captured.out == (GOLDEN / "preview_unreachable_hypervisor.md").read_text("utf-8")
    assert "No answer from hypervisor lab" in captured.err


def test_comment_for_a_description_that_cannot_be_used(
    elsewhere: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = elsewhere / "Pulumi.six.yaml"
    file.write_text(file.read_text().replace("vrid: 52", "vrid: 51"))
    assert run(["preview", "six", "--markdown"]) == 1
    text = capsys.readouterr().out
    assert text.startswith(marker("six"))
    assert "could not be finished" in text
    assert "vrid" in text


def test_no_comment_for_a_stack_that_there_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["preview", "nope", "--markdown"]) == 3
    assert capsys.readouterr().out == ""


def test_long_comment_loses_diffs_and_says_which() -> None:
    long = ["+" + "x" * 99] * 400
    text = comment(
        of_digest("six", digest(deploy("lb", {"lb1": {CONFIG: long}, "lb2": {CONFIG: long}})))
    )
    assert len(text.encode()) <= MAX_BYTES
    assert text.count("+xxx") == 400  # the first diff is whole, the second is left out
    assert "Left out to fit GitHub's limit for a comment: " in text
    assert "lines of lb2.**" in text
    assert f"`{CONFIG}`: diff of 400 lines left out" in text


def test_comment_of_very_many_operations_counts_those_left_out() -> None:
    many = {f"base: file {number:05} {'é' * 30}": ["-a", "+b"] for number in range(3000)}
    text = comment(of_digest("six", digest(deploy("lb", {"lb1": many}))))
    assert LIMIT > MAX_BYTES >= len(text.encode()) > MAX_BYTES * 0.9
    shown = text.count("base: file")
    assert f"{3000 - shown} whole entries at the end" in text
    assert text.count("<details>") == text.count("</details>")


def test_many_long_warnings_leave_room_for_what_changes() -> None:
    said = tuple(f"warning {number}: {'x' * 9000}" for number in range(30))
    text = comment(of_digest("six", digest(deploy("lb", {"lb1": {CONFIG: DIFF}}), messages=said)))
    assert len(text.encode()) <= MAX_BYTES
    assert "\n".join(DIFF) in text
    assert text.endswith("> and 10 more warnings\n")


def test_diff_with_a_fence_in_it_stays_inside_its_own() -> None:
    text = comment(of_digest("six", digest(deploy("lb", {"lb1": {CONFIG: ["+```", "+b"]}}))))
    assert "````diff\n+```\n+b\n````" in text


def test_text_from_a_machine_calls_nobody_and_makes_no_html() -> None:
    said = {"lb1": {"connection": "could not be read: </details> @admins", CONFIG: "<b>"}}
    text = comment(of_digest("six", digest(deploy("lb", said), messages=("<i> @all",))))
    for wrong in ("@admins", "@all", "<i>", "<b>\n"):
        assert wrong not in text


@pytest.mark.parametrize(
    "encode", [str, json.dumps, lambda v: base64.b64encode(v.encode()).decode()]
)
def test_no_secret_gets_into_a_comment(encode: object) -> None:
    assert callable(encode)
    value = str(encode(PASSWORD))
    url = "mysql://app:hunter2hunter2@db/app"
    steps = (
        step("update", DOMAIN, "d", old={"a": value}, new={"a": f"{value}2"}, keys=("a",)),
        deploy(
            "lb", {"lb1": {CONFIG: ["-x", f"+password {value}", *KEY.splitlines()], url: value}}
        ),
    )
    finished = of_digest("six", digest(*steps, messages=(f"it said {value} to {url}",)))
    ended = of_digest("six", digest(*steps, errors=(f"it said {value} to {url}",)))
    for found in (finished, ended):
        text = comment(found, secrets={"app password": PASSWORD})
        assert PASSWORD not in text
        assert value.strip('"')[:-4] not in text
        assert "hunter2" not in text
        assert "fakeFAKE" not in text
        assert "(secret app password)" in text


def test_secrets_are_found_wherever_the_state_holds_them() -> None:
    def secret(value: object) -> dict[str, str]:
        return {SIGN: SECRET, "plaintext": json.dumps(value)}

    resources = [
        {"urn": "urn::pyinfra:index:Password::app", "outputs": {"result": secret(PASSWORD)}},
        {"urn": "urn::x::deploy", "inputs": {"spec": {"hosts": [{"key": secret({"pem": KEY})}]}}},
        {"urn": "urn::x::plain", "inputs": {"name": "visible-value", "short": secret("root")}},
    ]
    text = json.dumps({"deployment": {"resources": resources}})
    assert secrets_of_state(text) == {"app result": PASSWORD, "deploy pem": KEY}
