"""The reconciler's memory in two files: one that ends with a boot, and one that does not."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from bootstrap.blocks.gtid_pair.program.seen import Memory
from bootstrap.shared.replacing import replace

OF_LOOKS = ("before", "mark", "marked", "behind_s")
"""Kept nowhere: there is no last look right after a start."""
LASTING = ("was_source", "was_alone")
"""On disk; the others below /run. Times are of this boot's clock, so they end with it too."""


class Keeper:
    """Both files; a write is done when it is on the disk."""

    def __init__(self, *, boot: Path, disk: Path) -> None:
        self.boot = boot
        self.disk = disk
        self.written: dict[Path, str] = {}

    def load(self) -> Memory:
        """What was kept; what cannot be read is as if it had never been."""
        found = {**_read(self.boot), **_read(self.disk)}
        known = {field.name for field in dataclasses.fields(Memory)}
        values = {key: value for key, value in found.items() if key in known}
        values["ends"] = tuple(values.get("ends", ()))
        return Memory(**values)

    def save(self, memory: Memory) -> None:
        """Keep it, before anything is done that it speaks of."""
        values = {field.name: getattr(memory, field.name) for field in dataclasses.fields(Memory)}
        for name in OF_LOOKS:
            del values[name]
        self._write(self.disk, {key: values.pop(key) for key in LASTING})
        self._write(self.boot, values)

    def _write(self, path: Path, values: dict[str, Any]) -> None:
        text = json.dumps(values)
        if self.written.get(path) != text:
            replace(path, text, durable=True)
            self.written[path] = text


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
