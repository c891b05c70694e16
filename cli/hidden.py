"""The secret values of a stack, so that they can be kept out of what is published."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

SIGN = "4dabf18193072939515e22adb298388d"
"""Key by which the engine marks a special value in its state (sdk/go/common/resource/sig)."""
SECRET = "1b47061264138c4ac30d75fd1eb44270"
"""The mark of a secret."""
MIN_LENGTH = 8
"""Ours are as long or longer; a shorter string inside a secret mapping is an ordinary word."""


def secrets_of_state(text: str) -> dict[str, str]:
    """Name -> value of every secret string in ``pulumi stack export --show-secrets``.

    The name is the URN's last part and the property, and says in a comment what was hidden.

    Raises:
        ValueError: the text is no such document.
    """
    deployment = json.loads(text).get("deployment") or {}
    found: dict[str, str] = {}
    for resource in deployment.get("resources") or []:
        name = str(resource["urn"]).rpartition("::")[2]
        for part in ("inputs", "outputs"):
            for path, value in _secrets(resource.get(part) or {}, part):
                found.setdefault(f"{name} {path}", value)
    return found


def _secrets(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        if value.get(SIGN) == SECRET:
            plain = json.loads(value["plaintext"]) if "plaintext" in value else None
            yield from _strings(plain, path)
            return
        for key, item in value.items():
            yield from _secrets(item, str(key))
    elif isinstance(value, list):
        for item in value:
            yield from _secrets(item, path)


def _strings(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """The strings inside a secret value, which may be a whole mapping."""
    if isinstance(value, str):
        if len(value) >= MIN_LENGTH:
            yield path, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _strings(item, str(key))
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item, path)
