"""Which blocks no stack has that this checkout has brought up: ``.ci/run`` ends with the question.

Pulumi's own history of updates says which stacks were.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Collection
from pathlib import Path

from bootstrap.roles import ORDER
from stacks.load import load_stack, stack_file
from stacks.plan import make_plan

ROOT = Path(__file__).parent.parent
HISTORY = ROOT / ".pairwise" / "state" / ".pulumi" / "history" / "pairwise"
"""One folder per stack."""


def brought_up(history: Path) -> set[str]:
    """Stacks with an update that has succeeded."""
    return {
        file.parent.name
        for file in history.glob("*/*.history.json")
        if _is_up(json.loads(file.read_text(encoding="utf-8")))
    }


def _is_up(update: dict[str, object]) -> bool:
    return update["kind"] == "update" and update["result"] == "succeeded"


def untried(stacks: Collection[str]) -> list[str]:
    """Modules of the blocks that are on no node of these stacks."""
    plans = [make_plan(load_stack(stack_file(ROOT / "stacks", name))) for name in sorted(stacks)]
    nodes = [node for plan in plans for node in plan.nodes.values()]
    return [
        getattr(row.block, "__name__", row.block.NAME)
        for row in ORDER
        if not any(row.when(node) for node in nodes)
    ]


def main() -> None:
    """Fail with the blocks that were not tried."""
    found = brought_up(HISTORY)
    # A stack of a test's own has no description here.
    known = {name for name in found if stack_file(ROOT / "stacks", name).exists()}
    if left := untried(known):
        sys.exit(f"no phase ran {', '.join(left)}: it brought up {', '.join(sorted(known))} only")
    print(f"every block was on a machine: {', '.join(sorted(known))}")


if __name__ == "__main__":
    main()
