"""The preview's result reaches the update phase of the same engine, and nothing else."""

import os
import time
from pathlib import Path

import pytest

from provider import results
from provider.results import FOLDER_VARIABLE, MAX_AGE_S, Results, engine_id, prune


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Use a folder of the test's own."""
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    return tmp_path


def test_result_is_found_as_digests(folder: Path) -> None:
    """No diff text is written to disk."""
    Results("1-2").keep("hash", {"lb1": {"a": "the diff"}})
    found = Results("1-2").find("hash")
    assert found is not None
    assert set(found["lb1"]) == {"a"}
    assert all("the diff" not in path.read_text() for path in folder.rglob("*.json"))


def test_other_engine_and_other_inputs_find_nothing() -> None:
    """Only the same `pulumi up` and the same inputs reuse a result."""
    Results("1-2").keep("hash", {})
    assert Results("1-3").find("hash") is None
    assert Results("1-2").find("other") is None


def test_old_or_forgotten_result_is_not_found(folder: Path) -> None:
    """After a quarter of an hour, or after an apply, the machines are looked at again."""
    kept = Results("1-2")
    kept.keep("hash", {})
    old = time.time() - MAX_AGE_S - 1
    os.utime(folder / "1-2" / "hash.json", (old, old))
    assert kept.find("hash") is None
    kept.keep("hash", {})
    assert kept.find("hash") == {}
    kept.forget("hash")
    assert kept.find("hash") is None


def test_prune_removes_what_ended_engines_left(folder: Path) -> None:
    """The results of a living engine stay."""
    living = engine_id(os.getpid())
    Results(living).keep("hash", {})
    Results("999999999-1").keep("hash", {})
    Results(f"{os.getpid()}-1").keep("hash", {})
    prune()
    assert [path.name for path in folder.iterdir()] == [living]


def test_default_folder_is_in_the_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the variable the results live where everything of a run lives."""
    monkeypatch.delenv(FOLDER_VARIABLE)
    assert results._folder().parts[-2:] == (".pairwise", "dry-runs")
