"""What a database has of an upload, asked of any server that has it."""

from __future__ import annotations

import shlex
from collections.abc import Callable

from bootstrap.facts.mysql import CLIENT

LONGEST = 64 << 20
"""Bytes; GROUP_CONCAT cuts off the rest."""


def is_kept(run: Callable[[str], str], sha256: str, *, parts: int) -> bool:
    """Whether there are so many parts, and all of them have that hash.

    Args:
        run: Gives the output of a shell text on the server's machine. sha256: of the file.
        parts: how many rows.
    """
    question = (
        f"SET SESSION group_concat_max_len = {LONGEST}; SELECT COUNT(*),"
        " SHA2(GROUP_CONCAT(content ORDER BY part SEPARATOR ''), 256) FROM site.contents"
        f" WHERE sha256 = '{sha256}'"
    )
    return run(f"{CLIENT} -e {shlex.quote(question)}").split() == [str(parts), sha256]
