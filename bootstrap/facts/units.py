"""systemd units: one ``systemctl show`` for all of them, and when each loaded its files last."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

STAMP_FOLDER = "/run/pairwise"
"""Holds one empty file per unit, touched after each reload that succeeded; gone after a boot,
when every daemon has read its files anyway."""

PROPERTIES = (
    "LoadState,UnitFileState,ActiveState,ExecMainStartTimestamp,ActiveEnterTimestamp,"
    "NeedDaemonReload"
)


@dataclass(frozen=True, kw_only=True)
class SeenUnit:
    """One unit as systemd sees it."""

    load: str = "not-found"
    """``loaded``, ``masked``, ``not-found``, ``error``..."""
    boot: str = ""
    """``enabled``, ``disabled``, ``masked``, ``static``..."""
    active: str = "inactive"
    """``active``, ``failed``, ``activating``..."""
    started: int = 0
    """When it was started, seconds since the epoch; 0: never since boot."""
    stale: bool = False
    """Its unit file has changed since systemd read it."""


def script(names: Iterable[str]) -> str:
    """Shell text that prints the properties of the units, in order, then the stamps."""
    listed = " ".join(names)
    if not listed:
        return ""
    return (
        f"systemctl show --timestamp=unix -p {PROPERTIES} -- {listed}; echo; echo '#stamps'; "
        f"stat -c '%n %Y' {STAMP_FOLDER}/*.loaded"
    )


def process(lines: Iterable[str], names: Iterable[str]) -> Mapping[str, SeenUnit]:
    """Return unit name -> state, from the blank-line separated records in the order asked."""
    records: list[dict[str, str]] = [{}]
    for line in lines:
        key, found, value = line.partition("=")
        if found:
            records[-1][key] = value
        elif records[-1]:
            records.append({})
    return {name: _unit(record) for name, record in zip(names, records, strict=False) if record}


def process_stamps(lines: Iterable[str]) -> Mapping[str, int]:
    """Return unit name -> when it was reloaded last, seconds since the epoch."""
    stamps = {}
    for line in lines:
        path, _, when = line.rpartition(" ")
        if path.endswith(".loaded") and when.isdigit():
            stamps[path.rpartition("/")[2].removesuffix(".loaded")] = int(when)
    return stamps


def _unit(record: Mapping[str, str]) -> SeenUnit:
    started = max(_seconds(record.get(k, "")) for k in _STARTED)
    return SeenUnit(
        load=record.get("LoadState", ""),
        boot=record.get("UnitFileState", ""),
        active=record.get("ActiveState", ""),
        started=started,
        stale=record.get("NeedDaemonReload") == "yes",
    )


_STARTED = ("ExecMainStartTimestamp", "ActiveEnterTimestamp")


def _seconds(text: str) -> int:
    """``@1700000000`` -> 1700000000; empty or ``n/a`` -> 0."""
    digits = text.lstrip("@")
    return int(digits) if digits.isdigit() else 0
