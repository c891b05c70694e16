"""The problems that the nodes' monitors have named, as ``status`` says them; pure functions.

What ``status`` sees for itself on both nodes it says better: those names are left out. What was
only done, and is shown for ten minutes, is a notice and no reason to call a stack unwell.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cli.status_read import MONITOR_S, Named, NodeAnswer
from stacks.plan_types import Plan

SEEN_ANYWAY = frozenset(
    {
        "disk-diskless",
        "disk-inconsistent",
        "disk-missing",
        "fence-waiting",
        "heartbeat-not-active",
        "not-replicated",
        "out-of-sync",
        "split-brain",
    }
)
"""Names of the monitor's problems that ``status_groups`` and ``status_judge`` say themselves."""
DONE = frozenset({"handed-over", "not-started", "service-restarted", "take-over-repaired"})
"""Names of those that say that something was done (``problems.passing`` of the monitor)."""


def problems(plan: Plan, answers: Mapping[str, NodeAnswer]) -> list[str]:
    """What a person should mend, and monitors that no longer look."""
    found = [
        _sentence(named)
        for _, named in _all(plan, answers)
        if named.id not in SEEN_ANYWAY and named.id not in DONE
    ]
    for name, node in plan.nodes.items():
        age_s = answers[name].monitor_age_s if name in answers else None
        if node.data is not None and age_s is not None and age_s > MONITOR_S:
            found.append(
                f"The monitor of {name} has not looked at its groups for {age_s} s:"
                f" `pairwise exec {plan.stack} {name} -- journalctl -u pairwise-monitor` says why."
            )
    return found


def notices(plan: Plan, answers: Mapping[str, NodeAnswer]) -> list[str]:
    """What the monitors did in the last ten minutes."""
    return [_sentence(named) for _, named in _all(plan, answers) if named.id in DONE]


def _all(plan: Plan, answers: Mapping[str, NodeAnswer]) -> Iterator[tuple[str, Named]]:
    for name in plan.nodes:
        if name in answers:
            yield from ((name, named) for named in answers[name].named)


def _sentence(named: Named) -> str:
    """With what to type, unless that is the command which says this."""
    if not named.command or named.command.startswith("pairwise status "):
        return named.text
    return f"{named.text.rstrip('.')}: `{named.command}`."
