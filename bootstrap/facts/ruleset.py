"""The kernel's nftables ruleset, and the normal form of the one that it should be.

Both are printed by the node's own ``nft -s list ruleset``: the second after loading our text into
an empty network namespace that ends with the command. So a rule added, changed or deleted by hand
and a foreign table show up, with no record of what was loaded before.
"""

from __future__ import annotations

import base64

EXPECTED_MARK = "#expected"


def script(ruleset: str) -> str:
    """Shell text that prints the live ruleset, a mark, and the normal form of ``ruleset``."""
    if not ruleset:
        return ""
    text = base64.b64encode(ruleset.encode()).decode()
    load = "base64 -d | nft -f - && nft -s list ruleset"
    return (
        f"nft -s list ruleset; echo '{EXPECTED_MARK}'; "
        f"printf %s {text} | unshare --net sh -c '{load}'"
    )
