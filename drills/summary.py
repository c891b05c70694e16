"""``docs/evidence/drills-STACK.md``: what all kept runs of a stack have shown, drill by drill."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from drills import compare, evidence, kept, markdown, soak
from drills.drill import MOST, Drill
from drills.running import ROOT
from drills.timeline import PARTS

HEADS = ("drill", "runs", "verdict", "outage median s", "outage most s", "no read for, most s",
         "acknowledged", "lost", "invariants")  # fmt: skip
"""Columns of the table."""

COMPARED = "Beside the times of the document, same machines, same run"
COMPARED_HEADS = ("started", "drill", "document: keepalive, warn, dead, initdead s",
                  "ours median s (runs)", "its own median s (runs)", "ours / its own", "at most",
                  "its own broke", "verdict", "commit")  # fmt: skip
"""Columns of the table of comparisons."""
SOAK_HEADS = ("started", "seed", "asked for, min", "drills", "verdict", "outage most s",
              "acknowledged", "lost", "commit")  # fmt: skip
"""Columns of the table of soaks."""
CONTROLS = """\
A control is a drill of a pair without its safety. It passes when something broke: an acknowledged
row was lost, or an invariant did not hold; its last column says which."""
"""Below a table that has one."""


def verdicts(folder: Path, drill: str) -> list[dict[str, Any]]:
    """Every kept run of a drill, oldest first."""
    files = sorted((folder / drill).glob(f"*/{evidence.VERDICT}"))
    return [json.loads(file.read_text(encoding="utf-8")) for file in files]


def summary(stack: str, runs: Mapping[str, Sequence[dict[str, Any]]], *, command: str) -> str:
    """The page.

    Args:
        stack: name. runs: verdicts by drill, in the order of the table. command: that makes it.
    """
    shown = {name: found for name, found in runs.items() if found}
    newest = max((run for found in shown.values() for run in found), key=lambda r: r["started"])
    made = newest["made_on"]
    commits = sorted({r["made_on"]["commit"] for found in shown.values() for r in found})
    controls = [name for name, found in shown.items() if any(r.get("control") for r in found)]
    lines = [
        f"# Drills of stack {stack}",
        "",
        f"Written by `{command}` from the verdicts of {sum(map(len, shown.values()))} runs, each by"
        f" `pairwise drill run {stack} NAME`; the last one at {newest['started']} on"
        f" {made['machine']} (emulated machines unless KVM works), at commit {', '.join(commits)}.",
        "",
        *markdown.table(HEADS, [_row(name, found) for name, found in shown.items()]),
        "",
        *([CONTROLS, ""] if controls else []),
        *_breakdowns(shown),
    ]
    for name, found in shown.items():
        wrong = [
            f"- {r['started']}, commit {r['made_on']['commit']}: {text}"
            for r in found
            if r["verdict"] != "pass"
            for text in r["reasons"]
        ]
        if wrong:
            lines += [f"## {name}: not passed", "", *wrong, ""]
    return "\n".join(lines).rstrip() + "\n"


def _row(name: str, found: Sequence[dict[str, Any]]) -> list[str]:
    outages = [run["outage_s"] for run in found if run["outage_s"] is not None]
    reads = [run["reads_outage_s"] for run in found if run.get("reads_outage_s") is not None]
    counted = [f"{n} {v}" for v in ("pass", "fail", "unknown") if (n := _count(found, v))]
    broken = sorted({n for r in found for n, v in r["invariants"].items() if v != "pass"})
    is_control = any(run.get("control") for run in found)
    return [
        f"{name} (control)" if is_control else name,
        str(len(found)),
        ", ".join(counted),
        f"{median(outages):.1f}" if outages else "-",
        f"{max(outages):.1f}" if outages else "-",
        f"{max(reads):.1f}" if reads else "-",
        str(sum(run["acknowledged"] for run in found)),
        str(sum(run["lost"] for run in found)),
        ", ".join(broken) or "all held",
    ]


def _count(found: Sequence[dict[str, Any]], verdict: str) -> int:
    return sum(run["verdict"] == verdict for run in found)


def _breakdowns(runs: Mapping[str, Sequence[dict[str, Any]]]) -> list[str]:
    """Where the time of an outage went: the median of each part, for groups that moved."""
    rows = []
    for name, found in runs.items():
        groups = sorted({group for run in found for group in run["groups"]})
        for group in groups:
            parts = [r["groups"][group]["breakdown"] for r in found if group in r["groups"]]
            medians = {p: [run[p] for run in parts if p in run] for p in PARTS}
            if any(medians.values()):
                cells = [f"{median(v):.1f}" if v else "-" for v in medians.values()]
                rows.append([f"{name}, {group}", *cells])
    if not rows:
        return []
    title = ["## Where the time of an outage goes", ""]
    return [*title, *markdown.table(["median s", *PARTS], rows), ""]


def compared_lines(found: Sequence[dict[str, Any]]) -> list[str]:
    """The part of the page that is about a document's own times; nothing where none were tried."""
    if not found:
        return []
    rows = [
        [
            one["started"],
            one["drill"],
            f"{one['document']}: {', '.join(map(str, one['put'].values()))}",
            *(f"{_median(one[key])} ({len(one[key])})" for key in ("ours_s", "written_s")),
            "-" if one["ratio"] is None else f"{one['ratio']:.2f}",
            f"{one.get('most', MOST):g}",
            ", ".join(one["broke"]) or "nothing",
            one["verdict"],
            one["made_on"]["commit"],
        ]
        for one in found
    ]
    return [f"## {COMPARED}", "", *markdown.table(COMPARED_HEADS, rows), ""]


def _median(outages: Sequence[float | None]) -> str:
    known = [outage for outage in outages if outage is not None]
    return f"{median(known):.1f}" if known else "-"


def soak_lines(soaks: Sequence[dict[str, Any]]) -> list[str]:
    """The part of the page that is about soaks; nothing where there was none."""
    if not soaks:
        return []
    rows = [
        [
            one["started"],
            str(one["seed"]),
            str(one["minutes"]),
            str(len(one["drills"])),
            one["verdict"],
            f"{one['outage_s']:.1f}" if one["outage_s"] is not None else "-",
            str(one["acknowledged"]),
            str(one["lost"]),
            one["made_on"]["commit"],
        ]
        for one in soaks
    ]
    reasons = [f"- {one['started']}: {text}" for one in soaks for text in one["reasons"]]
    title = ["## Soaks: drill after drill, in an order from a seed", ""]
    return [*title, *markdown.table(SOAK_HEADS, rows), "", *reasons, *([""] if reasons else [])]


def median_run(found: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """The run whose outage is nearest to the median one from below."""
    timed = sorted(
        (run for run in found if client_outage_s(run) is not None),
        key=lambda run: client_outage_s(run) or 0.0,
    )
    return timed[(len(timed) - 1) // 2] if timed else None


def client_outage_s(run: dict[str, Any]) -> float | None:
    """A run's longest outage; of a pair that has no data, the longest time without an answer."""
    outage: float | None = run["outage_s"]
    return run.get("reads_outage_s") if outage is None else outage


def _others(target: Path, folder: Path, kind: str) -> list[dict[str, Any]]:
    """A stack's soaks or comparisons, of the repository and of this checkout; kept from now on."""
    stack = folder.name
    found = kept.merged(kept.read_others(target, kind, stack), verdicts(folder, kind))
    if found:
        kept.write_others(target, kind, stack, found)
    return found


def write(stack: str, drills: Sequence[Drill], target: Path) -> Path | None:
    """Write the page, the verdicts and a picture of one median run per drill; None where no run was
    kept, here or in the repository."""
    folder, before = evidence.FOLDER / stack, kept.read(target, stack)
    runs = {
        drill.name: kept.merged(before.get(drill.name, []), verdicts(folder, drill.name))
        for drill in drills
    }
    if not any(runs.values()):
        return None
    target.mkdir(parents=True, exist_ok=True)
    kept.write(target, stack, runs)
    text = summary(stack, runs, command=f"pairwise drill summary {stack}")
    compared, soaks = (_others(target, folder, kind) for kind in (compare.FOLDER, soak.FOLDER))
    parts = [*compared_lines(compared), *soak_lines(soaks)]
    pictures = ["", *parts, "## One median run of each", ""]
    for name, found in runs.items():
        run = median_run(found)
        source = ROOT / run["evidence"] / "timeline.svg" if run else None
        picture = target / f"drill-{stack}-{name}.svg"
        if source is not None and source.exists():
            shutil.copyfile(source, picture)
        if found and picture.exists():
            pictures += [f"![{name}](drill-{stack}-{name}.svg)", ""]
    page = target / f"drills-{stack}.md"
    page.write_text(text + "\n".join(pictures).rstrip() + "\n", encoding="utf-8")
    return page
