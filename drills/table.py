"""``docs/evidence/drills.md``: every drill on every stack, from the verdicts that were kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median

from drills import markdown
from drills.drill import Drill, first_device
from drills.kept import Run, Runs
from drills.subject import Kind
from drills.summary import client_outage_s
from stacks.plan_types import Plan

NOT_RUN = "not run"
LACKS = {
    Kind.HEARTBEAT: "no pair on DRBD under Heartbeat",
    Kind.GTID: "no pair that replicates",
    Kind.VRRP: "no VIPs without data under keepalived",
}
"""Why a drill of a kind of pair does not apply to a stack without one."""
OTHER_FENCING = "it needs a pair with another fencing, which no stack of this repository has"
LACKS_PART = "its pairs have no part that the fault is about"
HEAD = """\
# Every drill on every stack

Written by `pairwise drill table` from the committed verdicts (`drills-STACK.jsonl`). A number is
the median outage in seconds of the runs of a cell that passed, from one acknowledged write (without
data: one good answer) to the next; in brackets how many runs there were, and how many of them did
not pass: why, and at which commit, is in the stack's own page. `pairwise drill table --check` says
what is still to be run. A letter says why a drill does not apply. A stack
that this repository does not describe has numbers alone: `data` and `data-gtid` are the data pairs
of six and six-gtid, each with one web machine, `nfs-dopd` and `nfs-no-fencing` are nfs with the
documents' fencing and with none, for the controls.
"""

COMMON = ("power-cut", "kill", "freeze", "partition")
"""Words of the names of drills that are repeated."""
REPEATS = 5


def table(plans: Mapping[str, Plan], runs: Mapping[str, Runs], drills: Sequence[Drill]) -> str:
    """The page.

    Args:
        plans: of all described stacks. runs: of all that have any, by stack. drills: the rows.
    """
    reasons: dict[str, str] = {}
    rows = []
    columns = [*plans, *(name for name in runs if name not in plans)]
    for drill in drills:
        cells = [
            _cell(runs.get(name, {}).get(drill.name, ()))
            or (_letter(drill, plans[name], reasons) if name in plans else "")
            for name in columns
        ]
        name = f"{drill.name} (control)" if drill.is_control else drill.name
        rows.append([name, *cells])
    return "\n".join(
        [
            HEAD,
            *markdown.table(["drill", *columns], rows),
            "",
            *(f"- {letter}: {reason}" for reason, letter in reasons.items()),
            "",
        ]
    )


def missing(
    plans: Mapping[str, Plan], runs: Mapping[str, Runs], drills: Sequence[Drill]
) -> list[str]:
    """A sentence for each drill that applies to a described stack and has passed too seldom."""
    found = []
    for name, plan in plans.items():
        for drill in drills:
            passed = sum(run["verdict"] == "pass" for run in runs.get(name, {}).get(drill.name, ()))
            if drill.applies(plan) and passed < (asked := repeats(drill)):
                found.append(f"{name} {drill.name}: passed {passed} of {asked} times")
    return found


def repeats(drill: Drill) -> int:
    """How often a drill is run on each stack: the most common faults give a median."""
    common = any(word in drill.name for word in COMMON) and not drill.is_control
    return REPEATS if common else 1


def _cell(found: Sequence[Run]) -> str:
    if not found:
        return ""
    passed = [run for run in found if run["verdict"] == "pass"]
    failed = len(found) - len(passed)
    # What a run shows that has not passed is no time of a take-over.
    seen = [client_outage_s(run) for run in passed or found]
    outages = [seconds for seconds in seen if seconds is not None]
    shown = f"{median(outages):.1f}" if outages else str(found[-1]["verdict"])
    return f"{shown} ({len(found)}{f', {failed} not passed' if failed else ''})"


def _letter(drill: Drill, plan: Plan, reasons: dict[str, str]) -> str:
    if drill.applies(plan):
        return NOT_RUN
    return reasons.setdefault(_reason(drill, plan), chr(ord("a") + len(reasons)))


def _reason(drill: Drill, plan: Plan) -> str:
    subjects = [subject for _, subject in drill.subjects(plan)]
    if not subjects:
        return " and ".join(LACKS[kind] for kind in Kind if kind in drill.kinds)
    if not any(first_device(subject) in drill.fencing for subject in subjects):
        return OTHER_FENCING
    return LACKS_PART
