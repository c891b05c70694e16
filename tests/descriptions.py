"""Descriptions for tests: the tracked ones, and variants made from them by named changes."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from stacks.load import CONFIG_KEY, read_stack, stack_file
from stacks.model import Stack

STACKS = Path(__file__).parent.parent / "stacks"
"""Folder of the tracked descriptions."""


def description(name: str) -> dict[str, Any]:
    """The description of a tracked stack, as the mapping that its file holds."""
    document = yaml.safe_load(stack_file(STACKS, name).read_text(encoding="utf-8"))
    return dict(document["config"][CONFIG_KEY])


def changed(
    base: Mapping[str, Any], *, put: Mapping[str, Any] | None = None, drop: Iterable[str] = ()
) -> dict[str, Any]:
    """A copy of a description with dotted keys put or dropped."""
    result: dict[str, Any] = copy.deepcopy(dict(base))
    for path, value in (put or {}).items():
        *parents, last = path.split(".")
        target = result
        for parent in parents:
            target = target.setdefault(parent, {})
        target[last] = value
    for path in drop:
        *parents, last = path.split(".")
        target = result
        for parent in parents:
            target = target[parent]
        del target[last]
    return result


def six(*, put: Mapping[str, Any] | None = None, drop: Iterable[str] = ()) -> Stack:
    """Stack six with changes."""
    return read_stack(changed(description("six"), put=put, drop=drop), name="six", source="six")
