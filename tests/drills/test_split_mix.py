"""What many statements through a splitter prove, and what they do not."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import pytest

from drills.workloads import split_mix
from drills.workloads.split_mix import Mix

GOOD = Mix(
    writes=20,
    writes_on_source=20,
    locked=10,
    locked_on_source=10,
    reads=40,
    reads_on_replica=38,
    own=10,
    stale=0,
)


def test_the_last_line_says_what_became_of_all() -> None:
    assert split_mix.understood(f"a warning\n{json.dumps(asdict(GOOD))}\n") == GOOD
    with pytest.raises(ValueError, match="Expecting value"):
        split_mix.understood("")


@pytest.mark.parametrize(
    ("mix", "words"),
    [
        (GOOD, []),
        (replace(GOOD, writes_on_source=19), ["1 writes were not on the source"]),
        (replace(GOOD, locked_on_source=8), ["2 reads of transactions were not"]),
        (replace(GOOD, reads_on_replica=37), ["37 of 40 reads were on the replica"]),
        (replace(GOOD, stale=1), ["1 of 10 reads did not see their own write"]),
    ],
)
def test_each_thing_that_is_wrong_is_named(mix: Mix, words: list[str]) -> None:
    assert mix.wrong(least=0.95) == words


def test_nothing_done_is_not_well_done() -> None:
    nothing = Mix(**dict.fromkeys(asdict(GOOD), 0))
    assert len(nothing.wrong(least=0.95)) == 4
