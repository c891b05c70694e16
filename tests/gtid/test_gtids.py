"""GTID sets: what MySQL writes is read, and compared as MySQL compares it."""

from __future__ import annotations

import pytest

from bootstrap.shared.gtids import parse

A, B = "3e11fa47-71ca-11e1-9e33-c80aa9429562", "cb1594fe-e5b0-11f1-98dd-26f96360b4b2"


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("", ""),
        (f"{A}:1-5:7", f"{A}:1-5:7"),
        (f"{A}:1-3:4-6", f"{A}:1-6"),
        (f"{A.upper()}:1,\n{B}:2", f"{A}:1,{B}:2"),
        (f"{A}:1-2:tag:5", f"{A}:1-2,{A}:tag:5"),
    ],
)
def test_a_set_is_read_and_written(text: str, same: str) -> None:
    assert parse(text).text() == same


@pytest.mark.parametrize(
    ("one", "other", "left"),
    [
        (f"{A}:1-10", f"{A}:4-6", f"{A}:1-3:7-10"),
        (f"{A}:1-10", f"{A}:1-20", ""),
        (f"{A}:1-10,{B}:1", f"{A}:1-10", f"{B}:1"),
        (f"{A}:tag:1", f"{A}:1", f"{A}:tag:1"),
    ],
)
def test_what_another_set_lacks(one: str, other: str, left: str) -> None:
    found = parse(one) - parse(other)
    assert found.text() == left
    assert (parse(one) <= parse(other)) is (left == "")


def test_union_and_origin() -> None:
    both = parse(f"{A}:1-3") | parse(f"{A}:4,{B}:1,{A}:tag:9")
    assert both.text() == f"{A}:1-4,{A}:tag:9,{B}:1"
    assert both.made_by(A).text() == f"{A}:1-4,{A}:tag:9"
