"""What the fence endpoint of the embedded hypervisor recorded, and its marks."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from cli.checkout import EMBEDDED, Checkout, uses_lab
from cli.errors import CommandError
from lab import fence, fence_endpoint
from lab.fence_keys import pair_name
from stacks.plan_types import NodePlan, Plan

COLOURS = {"off": "bold yellow", "refused": "red", "failed": "bold red"}
"""Of the results; a machine that is on needs none."""


def clear_mark(checkout: Checkout, plan: Plan, node: NodePlan) -> bool:
    """Let a node's requests be granted again, before it is started; returns whether it was shot.

    Raises:
        CommandError: the endpoint's files cannot be used.
    """
    if node.peer is None or plan.hypervisors[node.hypervisor] != EMBEDDED:
        return False
    folder, pair = fence.state_folder(checkout.paths), pair_name(plan.stack, node.member)
    try:
        return fence_endpoint.clear(folder, pair, node.name)
    except fence_endpoint.EndpointError as error:
        raise CommandError(str(error)) from error


def shot_nodes(checkout: Checkout, plan: Plan) -> dict[str, str]:
    """Nodes whose requests the endpoint refuses because they were powered off, and by whom."""
    if not uses_lab(plan):
        return {}
    folder = fence.state_folder(checkout.paths)
    found: dict[str, str] = {}
    for name, part in plan.deploys.items():
        if part.is_pair:
            # A mark that cannot be read is the endpoint's to complain of: it grants nothing then.
            with suppress(fence_endpoint.EndpointError):
                mark = fence_endpoint.read_mark(folder, pair_name(plan.stack, name))
                found |= {mark.shot: mark.by} if mark is not None else {}
    return found


def entries(folder: Path, plan: Plan) -> list[dict[str, Any]]:
    """The endpoint's log of a stack's pairs, oldest first; a half-written line is left out."""
    pairs = {pair_name(plan.stack, name) for name, part in plan.deploys.items() if part.is_pair}
    paths = (folder / fence_endpoint.OLD_LOG, folder / fence_endpoint.LOG)
    lines = [x for p in paths if p.exists() for x in p.read_text(encoding="utf-8").splitlines()]
    found = []
    for line in lines:
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict) and entry.get("pair") in pairs:
            found.append(entry)
    return found


def table(log: list[dict[str, Any]]) -> Table:
    """The log as a person reads it, in the time zone of this machine."""
    rows = Table("time", "pair", "node", "asked", "result", "took", "why", box=None, pad_edge=False)
    for entry in log:
        at = float(entry["time"])
        clock = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))
        result = str(entry["result"])
        rows.add_row(
            f"{clock}.{int(at * 1000) % 1000:03d}",
            entry["pair"],
            entry["node"],
            # What a node asked for is its text, not markup of ours.
            Text(ascii(entry["request"])[1:-1] or "a shell"),
            Text(result, style=COLOURS.get(result, "")),
            f"{entry['took_s']:.2f} s",
            Text(entry["reason"] or ""),
        )
    return rows
