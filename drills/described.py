"""A running stack under a changed description, as a user who edits the file would have it.

The tracked file stays as it is: the changed one lies in a folder of its own, which PAIRWISE_STACKS
names to the ``pairwise`` command.
"""

from __future__ import annotations

import copy
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from drills.running import ROOT, LiveStack
from stacks.load import CONFIG_KEY, stack_file

FOLDER = ROOT / ".pairwise"
"""Where a drill notes that a stack is not as its description says."""


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
        target[last] = copy.deepcopy(value)
    for path in drop:
        *parents, last = path.split(".")
        target = result
        for parent in parents:
            target = target[parent]
        del target[last]
    return result


def write_changed(folder: Path, base: str, *changes: Mapping[str, Any], name: str = "") -> None:
    """Describe a stack as one of this repository with changes, which are arguments of ``changed``.

    Args:
        folder: where ``pairwise`` is told to read it. base: the stack. name: another name for it.
    """
    document = yaml.safe_load(stack_file(ROOT / "stacks", base).read_text(encoding="utf-8"))
    text = document["config"][CONFIG_KEY]
    for change in changes:
        text = changed(text, **change)
    said = yaml.safe_dump({"config": {CONFIG_KEY: text}}, sort_keys=False)
    stack_file(folder, name or base).write_text(said, encoding="utf-8")


@contextmanager
def described_as(stack: LiveStack, folder: Path, *, put: Mapping[str, Any]) -> Iterator[LiveStack]:
    """The same stack under a changed description, which is in ``folder`` and not in force yet."""
    ignored = shutil.ignore_patterns("*.py", "_*")
    shutil.copytree(stack.folder, folder, dirs_exist_ok=True, ignore=ignored)
    document = yaml.safe_load(stack_file(stack.folder, stack.name).read_text(encoding="utf-8"))
    text = {"config": {CONFIG_KEY: changed(document["config"][CONFIG_KEY], put=put)}}
    stack_file(folder, stack.name).write_text(yaml.safe_dump(text, sort_keys=False))
    yield replace(stack, folder=folder)


@contextmanager
def in_force(stack: LiveStack, *, put: Mapping[str, Any]) -> Iterator[LiveStack]:
    """The running stack brought to a changed description by ``up``, and back at the end."""
    with (
        TemporaryDirectory(prefix="pairwise-drill-") as folder,
        described_as(stack, Path(folder), put=put) as other,
        put_back_by_up(stack),
    ):
        other.up()
        yield other


@contextmanager
def put_back_by_up(stack: LiveStack) -> Iterator[None]:
    """Let the stack be something else than its description says, and bring it back at the end."""
    _mark(stack).parent.mkdir(parents=True, exist_ok=True)
    _mark(stack).touch()
    try:
        yield
    finally:
        put_back(stack)


def is_otherwise(stack: LiveStack) -> bool:
    """Whether a drill that was killed has left the stack as its description does not say."""
    return _mark(stack).exists()


def put_back(stack: LiveStack) -> None:
    """Bring the stack to its own description again."""
    stack.up()
    _mark(stack).unlink(missing_ok=True)


def _mark(stack: LiveStack) -> Path:
    return FOLDER / f"drill-put-back-{stack.name}"
