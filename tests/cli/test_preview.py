"""Previews understood from the engine's document."""

from __future__ import annotations

import pytest

from cli.preview import headline, of_digest
from tests.cli.digests import CASES, CONFIG, DIFF


def test_operations_of_hosts_are_found_with_their_whole_diff() -> None:
    found = of_digest("six", CASES["one_number"])
    assert sorted(found.hosts) == ["lb1", "lb2"]
    assert found.hosts["lb1"][CONFIG] == "\n".join(DIFF)
    assert (len(found.changed), found.operations, found.seconds) == (1, 4, 3.7)


def test_no_change_is_zero_changes_and_no_host() -> None:
    shape = of_digest("six", CASES["nothing"]).as_json()
    assert (shape["changes"], shape["operations"], shape["hosts"]) == (0, 0, {})
    assert headline(of_digest("six", CASES["nothing"])) == "Nothing would change on stack six."


def test_replacement_is_one_change() -> None:
    found = of_digest("six", CASES["replaced"])
    assert [(r.op, r.changed) for r in found.changed if r.kind == "Domain"] == [
        ("replace", {"memory": "768 -> 1024"})
    ]


def test_no_document_is_an_error() -> None:
    with pytest.raises(ValueError, match="Expecting value"):
        of_digest("six", "")


@pytest.mark.parametrize(
    ("case", "offline", "kind"),
    [
        ("one_number", False, "live"),
        ("one_number", True, "offline"),
        ("empty_state", False, "empty-state"),
        ("empty_state", True, "empty-state"),
    ],
)
def test_kind_says_what_the_stack_was_compared_with(case: str, offline: bool, kind: str) -> None:
    assert of_digest("six", CASES[case], offline=offline).as_json()["kind"] == kind


def test_host_that_could_not_be_read_is_no_operation() -> None:
    found = of_digest("six", CASES["unreachable"])
    assert found.operations == 1
    assert "no route to host" in found.as_json()["unread"]["lb2"]
