"""The notify block's checkers, and what ``verify`` tries."""

from __future__ import annotations

from collections.abc import Iterable

from bootstrap.checks import Check, is_active, is_enabled
from stacks.plan_types import NodePlan

CHECK_SHELL = "sh -n %s"
LATE_MIN = 5
"""Longer than an outage that nobody need look at, in minutes."""


def checks(
    node: NodePlan, *, units: Iterable[str], spool: str, sendmail: str | None
) -> tuple[Check, ...]:
    """Messages are taken, and do not pile up."""
    found = [
        check for unit in units for check in (is_active("notify", unit), is_enabled("notify", unit))
    ]
    found.append(
        Check(
            name="notify: no message waits for long",
            command=f"! find {spool} -type f -mmin +{LATE_MIN} | grep .",
            failure=f"Messages wait on {node.name}: journalctl -u 'pairwise-notify-*' says why.",
        )
    )
    if sendmail is not None:
        found.append(
            Check(
                name="notify: there is a sendmail",
                command=f"test -x {sendmail}",
                failure=f"{node.name} has no {sendmail}: install a mail transport agent.",
            )
        )
    return tuple(found)
