"""The comment for a pull request: its goldens, its length, and that no secret is in it."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from cli.comment import MAX_BYTES, comment, marker
from cli.hidden import SECRET, SIGN, secrets_of_state
from cli.preview import of_digest
from tests.cli.digests import CASES, CONFIG, DOMAIN, deploy, digest, step

GOLDEN = Path(__file__).parent / "golden"
LIMIT = 65_536
"""Characters of a comment that GitHub takes."""
PASSWORD = "fake-Zk3-not-a-password-8dQ"
KEY = "\n".join(
    ["-----BEGIN OPENSSH PRIVATE KEY-----", "fakeFAKEfakeFAKEfakeFAKE", "-----END OPENSSH"]
)


def of_case(name: str) -> str:
    """The comment of a case; `offline` is a case of its own."""
    text = CASES["one_number" if name == "offline" else name]
    return comment(of_digest("six", text, offline=name == "offline"), hypervisors=["kvm1"])


@pytest.mark.parametrize("case", [*sorted(CASES), "offline"])
def test_comment_is_its_golden(case: str) -> None:
    expected = (GOLDEN / f"preview_{case}.md").read_text(encoding="utf-8")
    assert of_case(case) == expected


@pytest.mark.parametrize("case", sorted(CASES))
def test_comment_begins_with_the_line_by_which_it_is_found_again(case: str) -> None:
    assert of_case(case).splitlines()[0] == marker("six") == "<!-- pairwise-preview six -->"


def test_preview_that_ended_early_shows_no_list_that_is_not_whole() -> None:
    text = of_case("unreachable_hypervisor")
    assert "could not be finished" in text
    assert "`kvm1`" in text
    assert CONFIG not in text


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
