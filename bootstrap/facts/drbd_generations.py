"""Generations of DRBD's copies: whether two of them have diverged, or one is only behind.

Needs: DRBD 8.4's drbdsetup on the node.
Ensures: ``process`` takes any text; a line that it does not know leaves a minor out.
Fails when: nothing.
Refs: drbd_uuid_compare in drivers/block/drbd/drbd_receiver.c of Linux 6.12, drbdsetup(8) get-gi.

StandAlone alone says little: a person may have disconnected, a secret may differ. The generations
say what the kernel would decide if both sides met.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

SETUP = "/usr/lib/drbd/drbdsetup-84"
PRIMARY_BIT = 1
"""The lowest bit of each number says only that the node was Primary; the kernel leaves it out."""


class Relation(StrEnum):
    """What one copy is to the other."""

    SAME = "same"
    """Both hold the same generation."""
    AHEAD = "ahead"
    """The other one is an older state of this one."""
    BEHIND = "behind"
    """This one is an older state of the other one."""
    SPLIT = "split"
    """Both were written to, each without the other."""
    UNRELATED = "unrelated"
    """They have no generation in common: disks of two resources."""


@dataclass(frozen=True, kw_only=True)
class Generations:
    """The numbers of one copy."""

    current: int
    """Of the data as they are."""
    bitmap: int
    """Of the data when the peer was lost; 0 while it is not."""
    history: tuple[int, ...] = ()
    """Older ones, the youngest first."""


_LINE = re.compile(r"(?P<minor>\d+) (?P<numbers>[0-9A-F]{16}(?::[0-9A-F]{16}){3}):")


def script() -> str:
    """Shell text that prints what ``process`` reads, where a resource has no connection."""
    return (
        "grep -Eq 'cs:(StandAlone|WFConnection)' /proc/drbd 2>/dev/null &&"
        r" for minor in $(sed -n 's/^ *\([0-9]*\): cs:.*/\1/p' /proc/drbd); do"
        f' echo "$minor $({SETUP} get-gi "$minor" 2>/dev/null)"; done'
    )


def process(lines: Iterable[str]) -> dict[int, Generations]:
    """Minor -> generations."""
    found = {}
    for line in lines:
        match = _LINE.match(line.strip())
        if match is not None:
            numbers = [int(text, 16) & ~PRIMARY_BIT for text in match["numbers"].split(":")]
            found[int(match["minor"])] = Generations(
                current=numbers[0], bitmap=numbers[1], history=tuple(numbers[2:])
            )
    return found


def relation(own: Generations, other: Generations) -> Relation:
    """What ``own`` is to ``other``, by the kernel's rules in the kernel's order."""
    if own.current == other.current:
        return Relation.SAME
    if own.current in _past(other):
        return Relation.BEHIND
    if other.current in _past(own):
        return Relation.AHEAD
    if own.bitmap == other.bitmap != 0 or set(own.history) & set(other.history) - {0}:
        return Relation.SPLIT
    return Relation.UNRELATED


def _past(one: Generations) -> set[int]:
    return {one.bitmap, *one.history} - {0}
