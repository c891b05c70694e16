"""GTID sets as MySQL writes them, and what may be asked of two of them.

A set is text like ``3E11FA47-...:1-5:7,4A...:tag:1-3``. Source: MySQL 9.7 reference manual,
"GTID Format and Storage"; tags are part of the origin here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

Span = tuple[int, int]
"""First and last number, both included."""


@dataclass(frozen=True)
class Gtids:
    """A set of transactions."""

    spans: Mapping[str, tuple[Span, ...]] = field(default_factory=dict)
    """Origin (server UUID, and a tag if there is one) -> spans in order, none empty or adjacent."""

    def __bool__(self) -> bool:
        return bool(self.spans)

    def text(self) -> str:
        """As MySQL writes it."""
        return ",".join(
            f"{origin}:" + ":".join(f"{a}-{b}" if a < b else f"{a}" for a, b in spans)
            for origin, spans in sorted(self.spans.items())
        )

    def __or__(self, other: Gtids) -> Gtids:
        origins = {*self.spans, *other.spans}
        return _made({o: [*self.spans.get(o, ()), *other.spans.get(o, ())] for o in origins})

    def __sub__(self, other: Gtids) -> Gtids:
        return _made({o: _without(s, other.spans.get(o, ())) for o, s in self.spans.items()})

    def __le__(self, other: Gtids) -> bool:
        """Whether every transaction of this set is in the other."""
        return not self - other

    def made_by(self, uuid: str) -> Gtids:
        """Those that one server has made, whatever their tag."""
        return Gtids({o: s for o, s in self.spans.items() if o.split(":")[0] == uuid})


def parse(text: str) -> Gtids:
    """Read a set.

    Raises:
        ValueError: it is none.
    """
    found: dict[str, list[Span]] = {}
    for part in "".join(text.split()).split(","):
        if not part:
            continue
        uuid, *fields = part.lower().split(":")
        origin = uuid
        for item in fields:
            first, _, last = item.partition("-")
            if first.isdecimal():
                found.setdefault(origin, []).append((int(first), int(last or first)))
            else:
                origin = f"{uuid}:{item}"
    return _made(found)


def _made(found: Mapping[str, Iterable[Span]]) -> Gtids:
    joined = {origin: _joined(spans) for origin, spans in found.items()}
    return Gtids({origin: spans for origin, spans in joined.items() if spans})


def _joined(spans: Iterable[Span]) -> tuple[Span, ...]:
    result: list[Span] = []
    for first, last in sorted(spans):
        if result and first <= result[-1][1] + 1:
            result[-1] = (result[-1][0], max(last, result[-1][1]))
        else:
            result.append((first, last))
    return tuple(result)


def _without(spans: Iterable[Span], gone: Iterable[Span]) -> list[Span]:
    left = list(spans)
    for low, high in gone:
        left = [
            piece
            for first, last in left
            for piece in ((first, min(last, low - 1)), (max(first, high + 1), last))
            if piece[0] <= piece[1]
        ]
    return left
