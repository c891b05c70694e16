"""Live kernel values: read from /proc/sys by one grep, in the order of nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

ROOT = "/proc/sys/"


def path_of(key: str) -> str:
    """``net.ipv4.ip_forward`` -> its file; interface names with dots are not ours to set."""
    return ROOT + key.replace(".", "/")


def script(keys: Iterable[str]) -> str:
    """Shell text that prints ``<path>:<value>`` for the keys that this kernel has."""
    listed = " ".join(path_of(key) for key in sorted(keys))
    return f"grep -H '' {listed}" if listed else ""


def process(lines: Iterable[str]) -> Mapping[str, str]:
    """Return key -> value, white space made single."""
    values = {}
    for line in lines:
        path, found, value = line.partition(":")
        if found and path.startswith(ROOT):
            values[path.removeprefix(ROOT).replace("/", ".")] = " ".join(value.split())
    return values
