"""The result of the connection workload as a page that a person reads.

``python -m drills.workloads.evidence RESULT.json FOLDER`` writes ``connections.json`` and
``connections.md`` into a folder; the live test leaves the result in .pairwise/evidence.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

COLUMNS = {
    "good": "good answers",
    "failed": "failed",
    "wrong": "wrong answer",
    "unanswered": "no answer",
    "refused": "refused",
    "unreachable": "not reachable",
    "reset": "reset",
    "closed": "closed while idle",
    "slow": "over 2 s",
    "median_ms": "median ms",
    "p99_ms": "p99 ms",
    "slowest_ms": "slowest ms",
}
COMMAND = "python -m drills.workloads.evidence .pairwise/evidence/connections.json docs/evidence"


def table(rows: dict[str, dict[str, Any]], columns: dict[str, str]) -> list[str]:
    """A Markdown table with a row for each name."""
    lines = ["| | " + " | ".join(columns.values()) + " |", "|---" * (len(columns) + 1) + "|"]
    for name, values in rows.items():
        lines.append(f"| {name} | " + " | ".join(str(values[key]) for key in columns) + " |")
    return lines


def phase(result: dict[str, Any], name: str) -> list[str]:
    """What each VIP and the PHP probe counted before or after t0."""
    rows = {vip: seen[name] for vip, seen in result["vips"].items()}
    return table({**rows, "PHP probe": result["php"][name]}, COLUMNS)


def markdown(result: dict[str, Any]) -> str:
    """The page; ``balancers`` and ``lab`` are what the live test adds to the client's result."""
    client = result["client"]
    balancers = {name: {"node": name, **told} for name, told in result.get("balancers", {}).items()}
    lines = [
        "# Kept connections over both VIPs, and a balancer without power",
        "",
        f"Written by `{COMMAND}` from a run of `tests/live/test_connections.py`.",
        "",
        f"{result['connections']} connections from {result['source_addresses']} addresses, each",
        f"asking once in {result['every_s']:g} s: {result['good_per_s']} good answers a second",
        f"over {result['seconds']:g} s. {' '.join(result.get('lab', []))}".rstrip(),
        "",
        f"- client: {client['bytes_per_connection']} bytes per connection (growth of its resident "
        f"memory), behind its own clock by at most {client['longest_lag_s']:g} s",
    ]
    for name, told in balancers.items():
        lines.append(
            f"- {name}: {told['active']} connections by its own stub_status, "
            f"{told['bytes_per_connection']} bytes per connection (fall of MemAvailable)"
        )
    lines += ["", "## Steady state", "", *phase(result, "before_t0")]
    lines += ["", "## After the power cut (t0)", "", *phase(result, "after_t0"), ""]
    held = {
        "connections": "connections",
        "fewest_open_before_t0": "fewest open before t0",
        "open_at_end": "open at the end",
        "recovered": "good answer after t0",
        "all_recovered_s": "all of them after s",
    }
    return "\n".join([*lines, *table(result["vips"], held)]) + "\n"


def main(source: str, folder: str) -> None:
    result = json.loads(Path(source).read_text(encoding="utf-8"))
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    (target / "connections.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    (target / "connections.md").write_text(markdown(result), encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("Two arguments are needed: the result (JSON) and a folder, e.g. docs/evidence.")
    main(sys.argv[1], sys.argv[2])
