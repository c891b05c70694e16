"""A block that no phase of ``.ci/run`` has tried fails the run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests import covered


@pytest.fixture
def history(tmp_path: Path) -> Path:
    """Of six, brought up; of nfs, whose `up` has failed; of duo, destroyed and never brought up."""
    for stack, kind, result in (
        ("six", "update", "failed"),
        ("six", "update", "succeeded"),
        ("nfs", "update", "failed"),
        ("duo", "destroy", "succeeded"),
    ):
        folder = tmp_path / stack
        folder.mkdir(exist_ok=True)
        text = json.dumps({"kind": kind, "result": result})
        (folder / f"{stack}-{result}.history.json").write_text(text)
    return tmp_path


def test_only_an_up_that_has_succeeded_counts(history: Path) -> None:
    assert covered.brought_up(history) == {"six"}


def test_a_block_that_no_stack_had_is_named(history: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(covered, "HISTORY", history)
    with pytest.raises(SystemExit, match=r"no phase ran .*gtid_pair.*: it brought up six only"):
        covered.main()


def test_the_stacks_of_the_run_have_every_block() -> None:
    assert covered.untried(["six", "duo", "lvs", "gateway"]) == []
