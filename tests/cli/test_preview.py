"""Previews: understood from the engine's document, and shown as a comment."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.preview import headline, of_digest
from cli.preview_view import MAX_COMMENT, markdown
from tests.cli.digests import CASES, CONFIG, DIFF, deploy, digest

GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize("case", sorted(CASES))
def test_comment_is_its_golden(case: str) -> None:
    expected = (GOLDEN / f"preview_{case}.md").read_text(encoding="utf-8")
    assert markdown(of_digest("six", CASES[case])) == expected


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


def test_comment_that_is_too_long_loses_its_diffs_only() -> None:
    long = {"lb1": {CONFIG: ["+x" * 50] * 1000}}
    text = markdown(of_digest("six", digest(deploy("lb", long))))
    assert len(text) < MAX_COMMENT
    assert CONFIG in text
    assert "+x+x" not in text


def test_diff_with_a_fence_in_it_stays_inside_its_own() -> None:
    text = markdown(of_digest("six", digest(deploy("lb", {"lb1": {CONFIG: ["+```", "+b"]}}))))
    assert "````diff\n+```\n+b\n````" in text
