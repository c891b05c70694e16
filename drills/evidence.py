"""What a run leaves in ``.pairwise/evidence/STACK/DRILL/STAMP``: enough to judge it again.

``description.yaml`` and ``plan.json`` (what was drilled), ``timeline.json`` (marks, VIP holders,
outages), ``history-GROUP.jsonl`` (each write), ``reads.jsonl`` (each read through a splitter),
``arp.jsonl`` and ``nodes.jsonl`` (each sample),
``journal-NODE.jsonl``, ``console-NODE.log``, ``fence.json``, ``timeline.svg``, ``verdict.json``.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

from drills.inside import Sample
from drills.judge import Watched
from drills.observe import holders
from drills.running import ROOT, LiveStack
from drills.timeline import JOURNAL_FIELDS, Event, events_of
from drills.workloads.recorder import Write, write_history
from stacks.load import stack_file
from stacks.plan_types import Plan

FOLDER = ROOT / ".pairwise" / "evidence"
"""Where all runs of a checkout are kept."""
VERDICT = "verdict.json"
"""The file that a summary reads."""


def stamp() -> str:
    """This instant, in UTC, as runs are named."""
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())


def folder_of(stack: str, drill: str, started: str) -> Path:
    """A new folder for one run."""
    path = FOLDER / stack / drill / started
    path.mkdir(parents=True, exist_ok=True)
    return path


def this_machine() -> str:
    """What a number was measured on."""
    return f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}"


def made_on(command: str) -> dict[str, str]:
    """Machine, commit and command of a run."""
    git = ["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--exclude", "*"]
    done = subprocess.run(git, capture_output=True, text=True, check=False)
    return {
        "machine": this_machine(),
        "commit": done.stdout.strip() or "not in git",
        "command": command,
    }


def console_sizes(stack: LiveStack) -> dict[str, int]:
    """Bytes of each node's console so far; none where it is not known what keeps them."""
    if stack.console is None:
        return {}
    return {node: len(_printed(stack, node)) for node in stack.plan.nodes}


def keep_consoles(stack: LiveStack, folder: Path, before: Mapping[str, int]) -> None:
    """What each node has printed on its console since then."""
    for node, size in before.items():
        said = _printed(stack, node)
        # A log that is shorter than before was begun anew.
        (folder / f"console-{node}.log").write_bytes(said[size if size <= len(said) else 0 :])


def _printed(stack: LiveStack, node: str) -> bytes:
    assert stack.console is not None
    path = stack.console(stack.node(node).machine)
    return path.read_bytes() if path.exists() else b""


def journals(
    stack: LiveStack,
    folder: Path,
    nodes: Iterable[str],
    *,
    since: float,
    offsets: Mapping[str, float],
) -> dict[str, list[Event]]:
    """Keep the journal of each node since an instant, and return its events."""

    def read(node: str) -> list[Event]:
        offset = offsets.get(node, 0.0)
        command = (
            f"journalctl --no-pager --output json --output-fields {JOURNAL_FIELDS}"
            f" --since @{since - offset:.0f}"
        )
        text = stack.exec(node, command, check=False)
        (folder / f"journal-{node}.jsonl").write_text(text, encoding="utf-8")
        return events_of(node, text, offset=offset)

    names = list(nodes)
    with ThreadPoolExecutor(len(names)) as pool:
        return dict(zip(names, pool.map(read, names), strict=True))


def keep(folder: Path, stack: LiveStack, plan: Plan, seen: Watched) -> None:
    """Write down what was drilled and what was seen."""
    source = stack_file(stack.folder, stack.name)
    (folder / "description.yaml").write_text(source.read_text("utf-8"), encoding="utf-8")
    write_json(folder / "plan.json", plan_summary(plan))
    for group, history in seen.histories.items():
        write_history(history, folder / f"history-{group}.jsonl")
    if seen.reads:
        write_history(seen.reads, folder / "reads.jsonl")
    write_lines(folder / "arp.jsonl", seen.arp)
    write_lines(folder / "nodes.jsonl", [asdict(sample) for sample in seen.samples])
    write_json(folder / "timeline.json", timeline(seen))


def plan_summary(plan: Plan) -> dict[str, Any]:
    """Nodes with their roles and addresses, VIPs, and the times that a take-over follows."""
    return {
        "stack": plan.stack,
        "nodes": {
            name: {
                "roles": [str(role) for role in node.roles],
                "machine": node.machine,
                "addresses": {i.network: [str(i.address), i.mac] for i in node.interfaces},
                "silence_s": node.gtid.silence_s if node.gtid is not None else None,
                "heartbeat": {
                    "keepalive_s": node.data.heartbeat.keepalive_s,
                    "deadtime_s": node.data.heartbeat.deadtime_s,
                    "initdead_s": node.data.heartbeat.initdead_s,
                }
                if node.data is not None
                else None,
            }
            for name, node in plan.nodes.items()
        },
        "vips": {vip.name: str(vip.address) for vip in plan.vips},
    }


def timeline(seen: Watched) -> dict[str, Any]:
    """Marks, VIP holders, DRBD roles and sources over time, in seconds since the first mark."""
    zero = seen.marks[0].wall if seen.marks else seen.ended + seen.wall_offset
    return {
        "zero": zero,
        "marks": [[round(mark.wall - zero, 2), mark.text] for mark in seen.marks],
        "holders": {
            vip: [[round(at - zero, 2), list(macs)] for at, macs in changes]
            for vip, changes in holders(seen.arp).items()
        },
        "primaries": _primaries(seen.samples, zero),
        "sources": _sources(seen.samples, zero),
        "writes": {
            group: _outcomes(history, seen.wall_offset - zero)
            for group, history in seen.histories.items()
        },
        "reads": _outcomes(seen.reads, seen.wall_offset - zero),
    }


def _outcomes(history: Sequence[Write], offset: float) -> list[list[Any]]:
    """[when it ended, how] of each."""
    return [[round(w.ended + offset, 2), w.outcome] for w in history if w.ended is not None]


def _primaries(samples: Sequence[Sample], zero: float) -> dict[str, list[list[Any]]]:
    """Node and minor -> [since when, role], one entry for each change."""
    found: dict[str, list[list[Any]]] = {}
    for sample in sorted(samples, key=lambda sample: sample.at):
        for minor, role in sample.roles.items():
            changes = found.setdefault(f"{sample.node} minor {minor}", [])
            if not changes or changes[-1][1] != role:
                changes.append([round(sample.wall - zero, 2), role])
    return found


def _sources(samples: Sequence[Sample], zero: float) -> dict[str, list[list[Any]]]:
    """Node -> [since when, whether its server may be written to], one entry for each change."""
    found: dict[str, list[list[Any]]] = {}
    for sample in sorted(samples, key=lambda sample: sample.at):
        changes = found.setdefault(sample.node, [])
        if not changes or changes[-1][1] != (sample.writable is True):
            changes.append([round(sample.wall - zero, 2), sample.writable is True])
    return {node: changes for node, changes in found.items() if any(was for _, was in changes)}


def write_json(path: Path, value: object) -> None:
    """One JSON document, for people as well."""
    path.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")


def write_lines(path: Path, values: Iterable[object]) -> None:
    """One JSON line each."""
    path.write_text("".join(json.dumps(value) + "\n" for value in values), encoding="utf-8")
