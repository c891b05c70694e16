"""The parts of an outage of a group, from the new holder's journal: where the time went.

Heartbeat's resource manager logs each script that it runs, in the order of ``haresources``; systemd
logs each unit, the fence script when the peer is off, a reconciler each of its steps. A part lasts
from its first line to the next part's. All times are moved to this machine's clock by an offset
that the caller measured.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from stacks.plan_data_types import ServiceGroup

PARTS = ("detect", "fence", "promote", "mount", "start", "vip", "first write")
"""In their order; an orderly move has no ``fence``, and its ``detect`` is the stop at the peer."""
JOURNAL_FIELDS = "SYSLOG_IDENTIFIER,MESSAGE,_SYSTEMD_UNIT"


@dataclass(frozen=True, kw_only=True)
class Event:
    """One line of a journal."""

    at: float
    """Seconds since the epoch by this machine's clock."""
    node: str
    """Whose journal."""
    source: str
    """``SYSLOG_IDENTIFIER``."""
    text: str
    """The message."""


def events_of(node: str, journal: str, *, offset: float) -> list[Event]:
    """The lines of ``journalctl --output json``; a message in bytes is left out."""
    found = []
    for line in journal.splitlines():
        try:
            entry = json.loads(line)
            at = int(entry["__REALTIME_TIMESTAMP"]) / 1e6 + offset
        except (ValueError, KeyError, TypeError):
            continue
        text = entry.get("MESSAGE")
        if isinstance(text, str):
            source = str(entry.get("SYSLOG_IDENTIFIER", ""))
            found.append(Event(at=at, node=node, source=source, text=text))
    return sorted(found, key=lambda event: event.at)


def source_starts(vip: str) -> dict[str, str]:
    """Part -> regular expression of the line that begins it, by what a reconciler does to its own
    server and keepalived says of a VIP."""
    return {
        "promote": r"^(stop-receiver: to be promoted|open: )",
        "vip": rf"^VIP {re.escape(vip)} on \S+: MASTER",
    }


def group_starts(group: ServiceGroup) -> dict[str, str]:
    """Part -> regular expression of the line that begins it, by what Heartbeat runs for it."""
    runs = r"Running /etc/ha\.d/+resource\.d/"
    first_unit = group.units[0] if group.units else ""
    return {
        "promote": rf"{runs}drbddisk {re.escape(group.on_disk.resource)} start",
        "mount": rf"{runs}pwunit {re.escape(group.on_disk.mount_unit)} .*start",
        "start": rf"^Starting {re.escape(first_unit)} ",
        "vip": rf"{runs}pwvip {re.escape(str(group.vip))}/\S+ \S+ start",
    }


def breakdown(
    events: Sequence[Event], starts: Mapping[str, str], *, fault: float, first_write: float
) -> dict[str, float]:
    """Seconds of each part between the fault and the first write; what cannot be told is left out.

    Args:
        events: of the node that took the group over. starts: part -> pattern of its first line.
        fault: when it happened. first_write: when the first write after it was acknowledged.
    """
    marks: dict[str, float] = {}
    inside = [event for event in events if fault <= event.at <= first_write + 1]
    for part, pattern in starts.items():
        at = _first(inside, pattern)
        if at is not None:
            marks[part] = at
    off = _first(inside, r"is off", source="pairwise-fence", before=marks.get("promote"))
    dead = _first(inside, r"node \S+: is dead", before=off)
    marks["detect"] = fault
    if off is not None:
        marks["fence"] = dead if dead is not None else fault
    marks["first write"] = marks.get("vip", first_write)
    return _lengths(marks, end=first_write)


def _first(
    events: Iterable[Event], pattern: str, *, source: str = "", before: float | None = None
) -> float | None:
    """When the first line came that holds a pattern."""
    expression = re.compile(pattern)
    for event in events:
        if before is not None and event.at > before:
            return None
        if expression.search(event.text) and (not source or event.source.startswith(source)):
            return event.at
    return None


def _lengths(marks: Mapping[str, float], *, end: float) -> dict[str, float]:
    """Begin of each part -> its length; a part ends where the next one begins."""
    begun = [(part, marks[part]) for part in PARTS if part in marks and part != "first write"]
    lengths: dict[str, float] = {}
    for place, (part, at) in enumerate(begun):
        following = begun[place + 1][1] if place + 1 < len(begun) else end
        lengths[part] = round(max(following - at, 0.0), 2)
    return lengths
