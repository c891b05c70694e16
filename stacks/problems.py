"""One error of a description, and the small searches that several checks share."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from typing_extensions import override

from stacks.model import Stack

LABEL = re.compile(r"[a-z]([a-z0-9-]*[a-z0-9])?")
"""One DNS label as host names use it (RFC 1123), lower case, not starting with a digit."""


@dataclass(frozen=True)
class Problem:
    """One error: what is wrong, where, and what to do about it."""

    where: str
    what: str
    do: str

    @override
    def __str__(self) -> str:
        return f"{self.where}: {self.what}; {self.do}."


Check = Callable[[Stack], Iterable[Problem]]


Ranged = tuple[str, float, float, float]
"""A number of the description: its key, its value, the least and the most that is allowed."""


def out_of_range(where: str, numbers: Iterable[Ranged]) -> Iterator[Problem]:
    """One error for each number beyond its range; ``where`` is the place that has the keys."""
    for key, number, low, high in numbers:
        if not low <= number <= high:
            place = f"{where}.{key}" if where else key
            shown, least, most = map(_number, (number, low, high))
            yield Problem(place, f"{shown} is out of range", f"choose {least} to {most}")


def _number(number: float) -> str:
    return str(number) if isinstance(number, int) else f"{number:g}"


def twice(values: Iterable[tuple[str, object]]) -> Iterator[tuple[str, str, object]]:
    """Pairs of places that hold the same value: (second place, first place, value)."""
    first: dict[object, str] = {}
    for where, value in values:
        if value in first:
            yield where, first[value], value
        else:
            first[value] = where
