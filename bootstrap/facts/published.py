"""What the reconciler and the monitor of a node have published, read by whoever looks often."""

from __future__ import annotations

import json

from bootstrap.shared import pairs

PATHS = (pairs.GTID, pairs.MONITOR_PROBLEMS)
"""Documents in JSON, each replaced as a whole; one that is not there is an empty text here."""
OLD_S = 10.0
"""A reconciler publishes what it sees each second; on a starved machine some of them later."""


def is_silent(gtid: str, *, now: float) -> bool:
    """Whether a node's reconciler says nothing: what is published is old, or nothing is.

    Args:
        gtid: what the first of ``PATHS`` holds. now: the node's clock.

    Raises:
        ValueError: it is no JSON.
    """
    said = json.loads(gtid) if gtid else {}
    return bool(now - said.get("time", 0.0) > OLD_S)


def names_problem(gtid: str, monitor: str) -> bool:
    """Whether ``PATHS`` name a problem.

    Raises:
        ValueError: one of them is no JSON.
    """
    said = json.loads(gtid) if gtid else {}
    return bool(said.get("problems")) or bool(json.loads(monitor) if monitor else [])
