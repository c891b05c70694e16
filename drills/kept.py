"""Verdicts that go with the repository: ``docs/evidence/drills-STACK.jsonl``, one run a line, and
``soak-STACK.jsonl`` and ``compare-STACK.jsonl``, one soak and one comparison a line.

A run's whole evidence stays on the machine that made it. What tables are made from is committed, so
that runs of several days and machines add up.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

Run = dict[str, Any]
"""A verdict as ``Result.as_json`` writes it, without what no table reads."""
Runs = dict[str, list[Run]]
"""By drill, each oldest first."""
LEFT_OUT = frozenset({"checks", "seconds", "broken"})
"""Keys of a verdict that no table reads; the reasons say which check did not pass."""


def file_of(folder: Path, stack: str) -> Path:
    """Where a stack's are."""
    return folder / f"drills-{stack}.jsonl"


def stacks(folder: Path) -> list[str]:
    """Names of those that have any."""
    return sorted(path.stem.removeprefix("drills-") for path in folder.glob("drills-*.jsonl"))


def read(folder: Path, stack: str) -> Runs:
    """All that were kept; nothing where there is no file."""
    path = file_of(folder, stack)
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    found: Runs = {}
    for line in lines:
        run: Run = json.loads(line)
        found.setdefault(run["drill"], []).append(run)
    return found


def merged(kept: Sequence[Run], new: Sequence[Run]) -> list[Run]:
    """Both, a run that is in both once, oldest first."""
    by_start = {run["started"]: run for run in (*kept, *map(_compact, new))}
    return [by_start[started] for started in sorted(by_start)]


def write(folder: Path, stack: str, runs: Mapping[str, Sequence[Run]]) -> None:
    """Keep these and no others."""
    lines = [json.dumps(run, sort_keys=True) for found in runs.values() for run in found]
    file_of(folder, stack).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def others_of(folder: Path, kind: str, stack: str) -> Path:
    """Where a stack's soaks or comparisons are, one a line."""
    return folder / f"{kind}-{stack}.jsonl"


def read_others(folder: Path, kind: str, stack: str) -> list[Run]:
    """All that were kept, oldest first."""
    path = others_of(folder, kind, stack)
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return [json.loads(line) for line in lines]


def write_others(folder: Path, kind: str, stack: str, found: Sequence[Run]) -> None:
    """Keep these and no others."""
    text = "".join(f"{json.dumps(one, sort_keys=True)}\n" for one in found)
    others_of(folder, kind, stack).write_text(text, encoding="utf-8")


def _compact(run: Run) -> Run:
    return {key: value for key, value in run.items() if key not in LEFT_OUT}
