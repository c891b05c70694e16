"""What the engine tells while it works, understood: one ``Run`` that displays draw.

Pulumi's ``up --json`` writes one event per line. Only those that a person wants to see are kept:
resources that change, what each host of a Deploy is busy with, warnings, errors, the summary.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

QUIET = frozenset({"same", "refresh", "read"})
"""Steps that change nothing."""
WORDS = {
    "create": ("creating", "created"),
    "update": ("changing", "changed"),
    "delete": ("deleting", "deleted"),
    "create-replacement": ("creating anew", "created anew"),
    "delete-replaced": ("deleting the old", "deleted the old"),
    "replace": ("replacing", "replaced"),
    "discard": ("forgetting", "forgotten"),
}
"""The engine's step -> what is being done, what has been done."""
SHOWN = frozenset({"warning", "error", "info#err", "info"})
"""Severities of messages that are kept; debug is not."""
COUNTED = {"create": "created", "update": "changed", "replace": "replaced", "delete": "deleted"}
"""Kinds of change in the summary, in its order."""


@dataclass
class Work:
    """One resource that is being changed."""

    name: str
    kind: str
    step: str
    since: float
    lines: dict[str, str] = field(default_factory=dict)
    """What each of its hosts is busy with, newest text by host."""

    @property
    def doing(self) -> str:
        """What is being done to it, in a word."""
        return WORDS.get(self.step, (self.step, self.step))[0]

    @property
    def did(self) -> str:
        """What has been done to it, in a word."""
        return WORDS.get(self.step, (self.step, self.step))[1]


@dataclass(frozen=True)
class Line:
    """Something to be told for good, not only while it lasts."""

    text: str
    severity: str = "info"


@dataclass
class Run:
    """What is known of one run of the engine."""

    running: dict[str, Work] = field(default_factory=dict)
    """By URN, in the order in which they began."""
    done: Counter[str] = field(default_factory=Counter)
    """How often each step ended well."""
    created: set[str] = field(default_factory=set)
    """Names of what did not exist before."""
    errors: list[str] = field(default_factory=list)
    """In the engine's order."""
    seconds: int | None = None
    """Of the whole run, when it has ended."""
    changes: dict[str, int] = field(default_factory=dict)
    """The engine's own count by kind of change, when it has ended."""

    def take(self, event: dict[str, Any], *, now: float) -> list[Line]:
        """Take in one event; returns what is to be told about it."""
        if "resourcePreEvent" in event:
            return self._began(event["resourcePreEvent"]["metadata"], now)
        if "resOutputsEvent" in event:
            return self._ended(event["resOutputsEvent"]["metadata"], now)
        if "resOpFailedEvent" in event:
            return self._failed(event["resOpFailedEvent"]["metadata"])
        if "diagnosticEvent" in event:
            return self._said(event["diagnosticEvent"])
        if "summaryEvent" in event:
            summary = event["summaryEvent"]
            self.seconds = int(summary.get("durationSeconds") or 0)
            self.changes = dict(summary.get("resourceChanges") or {})
        return []

    def _began(self, metadata: dict[str, Any], now: float) -> list[Line]:
        if metadata["op"] not in QUIET:
            urn = metadata["urn"]
            self.running[urn] = Work(name_of(urn), kind_of(urn), metadata["op"], now)
        return []

    def _ended(self, metadata: dict[str, Any], now: float) -> list[Line]:
        work = self.running.pop(metadata["urn"], None)
        if work is None or metadata["op"] in QUIET:
            return []
        self.done[metadata["op"]] += 1
        if is_component(metadata["urn"]):
            return []
        if work.step == "create":
            self.created.add(work.name)
        return [Line(f"{work.did} {work.kind} {work.name} ({now - work.since:.0f} s)")]

    def _failed(self, metadata: dict[str, Any]) -> list[Line]:
        self.running.pop(metadata["urn"], None)
        urn = metadata["urn"]
        return [Line(f"failed: {kind_of(urn)} {name_of(urn)}", "error")]

    def _said(self, message: dict[str, Any]) -> list[Line]:
        severity = message.get("severity", "info")
        text = str(message.get("message", "")).strip()
        if severity not in SHOWN or not text:
            return []
        urn = message.get("urn") or ""
        work = self.running.get(urn)
        if severity == "info" and work is not None:
            host, separator, rest = text.partition(": ")
            work.lines[host if separator else ""] = rest if separator else text
        if message.get("ephemeral"):
            return []
        if severity == "error":
            self.errors.append(text)
        return [Line(text, severity)]

    def at_work(self) -> list[Work]:
        """Resources that are being changed, without those that only group others."""
        return [work for urn, work in self.running.items() if not is_component(urn)]

    def summary(self) -> str:
        """What was done, in one sentence."""
        counts = self.changes or dict(self.done)
        parts = [f"{counts.get(kind, 0)} {word}" for kind, word in COUNTED.items()]
        parts.append(f"{counts.get('same', 0)} unchanged")
        took = f" in {self.seconds} s" if self.seconds is not None else ""
        return ", ".join(parts) + took


def read(lines: Iterable[str]) -> Iterable[dict[str, Any]]:
    """The events of a stream of lines; a line that is no event is passed as a message."""
    for line in lines:
        if not line.strip():
            continue
        try:
            event = json.loads(line)
        except ValueError:
            event = {"diagnosticEvent": {"message": line, "severity": "info#err"}}
        if isinstance(event, dict):
            yield event


def name_of(urn: str) -> str:
    """Name of a resource."""
    return urn.rpartition("::")[2]


def type_of(urn: str) -> str:
    """Type token of a resource, without its parents'."""
    return urn.split("::")[2].rpartition("$")[2]


def kind_of(urn: str) -> str:
    """Last word of a resource's type: Domain, Volume, Deploy."""
    return type_of(urn).rpartition(":")[2]


def is_component(urn: str) -> bool:
    """Whether a resource only groups others."""
    return type_of(urn).startswith(("pairwise:", "pulumi:pulumi:"))
