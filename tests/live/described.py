"""A running stack under a changed description, as a user who edits the file would have it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from drills.running import LiveStack
from stacks.load import CONFIG_KEY, stack_file
from tests.descriptions import STACKS, changed, description


@contextmanager
def described_as(stack: LiveStack, folder: Path, *, put: Mapping[str, Any]) -> Iterator[LiveStack]:
    """The same stack under a changed description; the tracked file stays as it is."""
    shutil.copytree(STACKS, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.py", "_*"))
    text = {"config": {CONFIG_KEY: changed(description(stack.name), put=put)}}
    stack_file(folder, stack.name).write_text(yaml.safe_dump(text, sort_keys=False))
    yield LiveStack(stack.name, stack.netns, stack.uri, folder)
