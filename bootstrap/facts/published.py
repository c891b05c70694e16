"""What the reconciler and the monitor of a node have published, read by whoever looks often."""

from __future__ import annotations

import json

from bootstrap.shared import pairs

PATHS = (pairs.GTID, pairs.MONITOR_PROBLEMS)
"""Documents in JSON, each replaced as a whole; one that is not there is an empty text here."""
OLD_S = 10.0
"""A reconciler publishes what it sees each second; on a starved machine some of them later."""


def troubled(gtid: str, monitor: str, *, now: float, reconciled: bool) -> bool:
    """Whether a problem is named, or a reconciler says nothing.

    Args:
        gtid, monitor: what ``PATHS`` hold. now: the node's clock. reconciled: has a reconciler.

    Raises:
        ValueError: one of them is no JSON.
    """
    said = json.loads(gtid) if gtid else {}
    if reconciled and now - said.get("time", 0.0) > OLD_S:
        return True
    return bool(said.get("problems")) or bool(json.loads(monitor) if monitor else [])
