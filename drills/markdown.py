"""A table of a page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Its lines.

    Args:
        heads: of the columns. rows: a cell for each column.
    """
    head, *body = (f"| {' | '.join(row)} |" for row in (heads, *rows))
    return [head, "|---" * len(heads) + "|", *body]
