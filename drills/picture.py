"""A run as one picture that a person reads in ten seconds: writes, VIP holders, roles, faults."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape

WIDTH, LEFT, LANE, TOP = 900, 150, 26, 70
"""Pixels: the whole, the names' column, the height of a lane, the space for the marks' texts."""
COLOURS = ("#1f77b4", "#ff7f0e", "#2ca02c", "#9467bd")
"""Of the nodes, in the order in which they are met."""
OUTCOMES = {"ok": "#2ca02c", "failed": "#d62728", "unknown": "#e6a700"}
"""Of the writes."""
BEFORE_S, AFTER_S = 5.0, 10.0
"""What is shown before the first mark and after the last."""


def picture(timeline: Mapping[str, Any], names: Mapping[str, str]) -> str:
    """The picture as SVG.

    Args:
        timeline: as ``evidence.timeline`` makes it. names: of MACs and VIPs, for people.
    """
    marks: Sequence[Sequence[Any]] = timeline["marks"]
    start, end = -BEFORE_S, (marks[-1][0] if marks else 0.0) + AFTER_S
    scale = (WIDTH - LEFT - 10) / (end - start)

    def x(at: float) -> float:
        return round(LEFT + (min(max(at, start), end) - start) * scale, 1)

    lanes = [*_write_lanes(timeline, x), *_span_lanes(timeline, names, x, end)]
    height = TOP + LANE * len(lanes) + 30
    shapes = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}"'
        ' font-family="sans-serif" font-size="11">',
        f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
    ]
    for place, (name, content) in enumerate(lanes):
        y = TOP + LANE * place
        shapes.append(f'<text x="5" y="{y + 15}">{escape(name)}</text>')
        shapes.append(f'<g transform="translate(0 {y})">{content}</g>')
    bottom = TOP + LANE * len(lanes)
    for place, (at, text) in enumerate(marks):
        line = f'<line x1="{x(at)}" x2="{x(at)}" y1="{12 + place % 4 * 14}" y2="{bottom}"'
        shapes.append(f'{line} stroke="#d62728" stroke-dasharray="3 2"/>')
        label = escape(f"{at:.0f} s: {text}")
        anchor = "end" if x(at) > WIDTH * 0.6 else "start"
        shapes.append(
            f'<text x="{x(at)}" y="{12 + place % 4 * 14}" text-anchor="{anchor}">{label}</text>'
        )
    shapes.append(f'<text x="{LEFT}" y="{bottom + 20}">seconds since the first mark; ')
    shapes.append("writes and reads: green good, red failed, yellow answer lost</text></svg>")
    return "\n".join(shapes) + "\n"


def _write_lanes(timeline: Mapping[str, Any], x: Any) -> list[tuple[str, str]]:
    """One lane per group, one tick per write, and one for reads where there are any."""
    asked = {f"writes to {group}": found for group, found in timeline["writes"].items()}
    if timeline.get("reads"):
        asked["reads"] = timeline["reads"]
    lanes = []
    for name, found in asked.items():
        ticks = [
            f'<rect x="{x(at)}" y="4" width="1" height="14" fill="{OUTCOMES[outcome]}"/>'
            for at, outcome in found
        ]
        lanes.append((name, "".join(ticks)))
    return lanes


def _span_lanes(
    timeline: Mapping[str, Any], names: Mapping[str, str], x: Any, end: float
) -> list[tuple[str, str]]:
    """One lane per VIP, coloured by its holder, one per node's DRBD role, one per source."""
    lanes = []
    met: dict[str, str] = {}
    for vip, changes in timeline["holders"].items():
        spans = [(at, names.get(macs[0], macs[0]) if macs else "") for at, macs in changes]
        lanes.append((names.get(vip, vip), _spans(spans, x, end, met)))
    for name, changes in timeline["primaries"].items():
        node = name.split()[0]
        spans = [(at, node if role == "Primary" else "") for at, role in changes]
        lanes.append((f"Primary: {name}", _spans(spans, x, end, met)))
    for node, changes in timeline.get("sources", {}).items():
        spans = [(at, node if is_open else "") for at, is_open in changes]
        lanes.append((f"source: {node}", _spans(spans, x, end, met)))
    return lanes


def _spans(spans: Sequence[tuple[float, str]], x: Any, end: float, met: dict[str, str]) -> str:
    """Bars from each change to the next; an empty name is a gap."""
    shapes = []
    for place, (at, name) in enumerate(spans):
        until = spans[place + 1][0] if place + 1 < len(spans) else end
        width = round(x(until) - x(at), 1)
        if not name or width <= 0:
            continue
        colour = met.setdefault(name, COLOURS[len(met) % len(COLOURS)])
        shapes.append(f'<rect x="{x(at)}" y="4" width="{width}" height="14" fill="{colour}"/>')
        if width > 40:
            shapes.append(f'<text x="{x(at) + 3}" y="15" fill="white">{escape(name)}</text>')
    return "".join(shapes)
