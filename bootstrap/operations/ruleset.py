"""The live nftables ruleset."""

from __future__ import annotations

import difflib
from collections.abc import Generator

from pyinfra.api.command import StringCommand
from pyinfra.api.operation import operation
from pyinfra.context import host

from bootstrap.changes import explain
from bootstrap.facts.node import Seen


@operation()
def loaded(path: str, text: str, *, seen: Seen) -> Generator[StringCommand, None, None]:
    """Make the kernel hold the file's ruleset and nothing else.

    + path: the ruleset's file on the node, already in place.
    + text: its content.
    + seen: what is so on the node.

    The file begins with ``flush ruleset``: nft replaces everything in one transaction, so that no
    packet meets half a ruleset. Established connections stay, conntrack is not touched.
    """
    if seen.expected_ruleset and seen.ruleset == seen.expected_ruleset:
        host.noop("the kernel holds the planned ruleset")
        return
    wanted = seen.expected_ruleset or tuple(text.splitlines())
    lines = difflib.unified_diff(
        seen.ruleset, wanted, fromfile="kernel", tofile=path, lineterm="", n=1
    )
    explain("\n".join(lines))
    yield StringCommand(f"nft -f {path}")
