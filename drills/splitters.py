"""The tables of a pair's splitters: document 003's author proves the split by them."""

from __future__ import annotations

from drills.drill import splitters_of
from drills.stage import Stage
from drills.wait import wait_until

TOLD_S = 60
"""For splitters to have their servers right, and for `status` to say so on a busy hypervisor."""
Tables = dict[str, list[tuple[str, str, str]]]
"""By a splitter's node: server, role, state."""


def wait_for_tables(stage: Stage, *, source: str, replica: str = "", off: str = "") -> None:
    """Wait until each splitter uses these servers and no other.

    Args:
        stage: The drill's.
        source: Where writes go.
        replica: Where reads go; empty: nobody but the source can serve them.
        off: A node whose machine does not run.

    Raises:
        DeadlinePassedError: some table was otherwise for all of ``TOLD_S``.
    """
    rows = [(source, "source", "up"), *([(replica, "replica", "up")] if replica else [])]
    asked = [node for node in splitters_of(stage.plan, stage.pair) if node != off]
    if not asked:
        return
    seen: list[Tables] = []

    def right() -> bool:
        seen.append(_tables(stage))
        return all(seen[-1].get(node) == rows for node in asked)

    what = f"tables {rows} on {asked}"
    wait_until(right, what=what, timeout_s=TOLD_S, every_s=2, shown=lambda: seen[-1])
    stage.say(f"the splitters of {', '.join(asked)}: {len(rows)} rows")


def _tables(stage: Stage) -> Tables:
    return {
        node["name"]: [(row["node"], row["role"], row["state"]) for row in node["backends"]]
        for node in stage.stack.status()["nodes"]
        if "backends" in node
    }
