"""Debian packages: one ``dpkg-query`` for all names."""

from __future__ import annotations

from collections.abc import Iterable


def script(names: Iterable[str]) -> str:
    """Shell text that prints ``<status> <package>`` for those that dpkg knows."""
    listed = " ".join(names)
    return f"dpkg-query -W -f='${{db:Status-Abbrev}} ${{Package}}\\n' {listed}" if listed else ""


def process(lines: Iterable[str]) -> frozenset[str]:
    """Return the installed packages: status ``ii``, or ``hi`` where it is held."""
    found = set()
    for line in lines:
        status, _, name = line.strip().partition(" ")
        if status in {"ii", "hi"}:
            found.add(name.strip())
    return frozenset(found)
