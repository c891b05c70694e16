"""Descriptions for tests: the tracked ones, and variants made from them by named changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from drills.described import changed as changed
from stacks.load import CONFIG_KEY, read_stack, stack_file
from stacks.model import Stack

STACKS = Path(__file__).parent.parent / "stacks"
"""Folder of the tracked descriptions."""


def description(name: str) -> dict[str, Any]:
    """The description of a tracked stack, as the mapping that its file holds."""
    document = yaml.safe_load(stack_file(STACKS, name).read_text(encoding="utf-8"))
    return dict(document["config"][CONFIG_KEY])


def six(*, put: Mapping[str, Any] | None = None, drop: Iterable[str] = ()) -> Stack:
    """Stack six with changes."""
    return read_stack(changed(description("six"), put=put, drop=drop), name="six", source="six")
