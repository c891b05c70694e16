"""The generated copy of a stack's file: what the engine reads instead of the tracked description.

Creating a stack writes a salt into its file, and a run needs to know where the lab is. Neither
belongs into the repository, so each call rebuilds a private copy: the tracked description, the
place where this checkout runs it, and the salt of the copy before.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

SALT = "encryptionsalt"
"""Key that `pulumi stack init` writes (passphrase secrets provider)."""
LAB_KEY = "pairwise:lab"
"""Read by components/settings.py."""
OFFLINE_KEY = "pairwise:offline"
"""Read by __main__.py."""


def build(
    description: Path,
    copy: Path,
    *,
    lab: Mapping[str, Any] | None,
    offline: bool,
    salt: str | None = None,
) -> Path:
    """Write the copy anew; returns its path.

    Args:
        description: the tracked file, which is only read.
        copy: where to write.
        lab: value of ``pairwise:lab``; none where the stack runs elsewhere.
        offline: compare with the recorded state only.
        salt: what the state was encrypted with, for a copy that was lost.
    """
    document = yaml.safe_load(description.read_text(encoding="utf-8"))
    config = dict(document["config"])
    if lab is not None:
        config[LAB_KEY] = dict(lab)
    if offline:
        config[OFFLINE_KEY] = True
    content: dict[str, Any] = {**document, "config": config}
    kept = kept_salt(copy) or salt
    if kept:
        content[SALT] = kept
    copy.parent.mkdir(parents=True, exist_ok=True)
    partial = copy.with_name(f".{copy.name}.{os.getpid()}")
    partial.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    partial.replace(copy)
    return copy


def kept_salt(copy: Path) -> str | None:
    """The salt in the copy as it is now."""
    try:
        document = yaml.safe_load(copy.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError):
        return None
    found = document.get(SALT) if isinstance(document, dict) else None
    return found if isinstance(found, str) else None
