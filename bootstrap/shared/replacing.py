"""Files that are replaced as a whole, so that nobody reads half of one."""

from __future__ import annotations

import os
from pathlib import Path


def replace(path: Path, text: str, *, durable: bool = False) -> None:
    """Replace a file as a whole; everybody may read it."""
    new = path.with_name(f".{path.name}.new")
    with new.open("w", encoding="utf-8") as file:
        os.fchmod(file.fileno(), 0o644)
        file.write(text + "\n")
        if durable:
            file.flush()
            os.fsync(file.fileno())
    new.replace(path)
