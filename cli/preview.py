"""What a run would change: the engine's preview, with the operations of each host."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cli.events import QUIET, name_of, type_of

CONNECTION = "connection"
"""The entry among a host's operations that says why it could not be read (provider/pending.py)."""
ROOT = "pulumi:pulumi:Stack"
"""Type of the resource that stands for the stack: one that is created has no state yet."""
DEPLOY = "pyinfra:index:Deploy"
"""Type of the resource whose input ``pending`` holds host -> operation -> diff."""
MARKS = {"create": "+", "update": "~", "delete": "-", "replace": "+-"}
"""One sign for each kind of change."""
STEPS = {"create-replacement": "replace", "delete-replaced": "", "discard": "delete"}
"""The engine's steps that are part of a change; empty: told by another step already."""


@dataclass(frozen=True, kw_only=True)
class Resource:
    """One resource of a preview."""

    type: str
    name: str
    op: str
    """same, create, update, replace or delete."""
    changed: dict[str, str] = field(default_factory=dict)
    """Property path -> old and new value; a Deploy's operations are not among them."""

    @property
    def kind(self) -> str:
        """Last word of the type."""
        return self.type.rpartition(":")[2]


@dataclass(frozen=True, kw_only=True)
class Preview:
    """Everything that would change."""

    stack: str
    resources: tuple[Resource, ...]
    hosts: dict[str, dict[str, str]]
    """Host -> operation -> unified diff or sentence; hosts without any are left out."""
    messages: tuple[str, ...]
    """Warnings of the run."""
    seconds: float
    errors: tuple[str, ...] = ()
    """What ended the preview before it had looked at everything; each is among the messages."""
    empty: bool = False
    """Whether there was no state to compare with."""
    offline: bool = False
    """Whether no machine was asked."""

    @property
    def kind(self) -> str:
        """What the stack was compared with: live, offline or empty-state."""
        if self.empty:
            return "empty-state"
        return "offline" if self.offline else "live"

    @property
    def unread(self) -> dict[str, str]:
        """Host that could not be read -> why, in the words of its connection."""
        return {
            host: operations[CONNECTION]
            for host, operations in self.hosts.items()
            if CONNECTION in operations
        }

    @property
    def changed(self) -> tuple[Resource, ...]:
        """The resources that would not stay as they are."""
        return tuple(resource for resource in self.resources if resource.op != "same")

    @property
    def operations(self) -> int:
        """How many operations would run on hosts."""
        return sum(len(to_do(operations)) for operations in self.hosts.values())

    def as_json(self) -> dict[str, Any]:
        """The shape that ``--json`` prints."""
        return {
            "stack": self.stack,
            "kind": self.kind,
            "unread": self.unread,
            "changes": len(self.changed),
            "operations": self.operations,
            "hosts": self.hosts,
            "resources": [
                {"type": r.type, "name": r.name, "op": r.op, "changed": r.changed}
                for r in self.resources
            ],
            "messages": list(self.messages),
            "seconds": self.seconds,
        }


def of_digest(stack: str, text: str, *, offline: bool = False) -> Preview:
    """Understand what ``pulumi preview --json`` wrote.

    Args:
        stack: name of the stack. text: the document. offline: whether no machine was asked.

    Raises:
        ValueError: it is no such document.
    """
    digest = json.loads(text)
    resources: dict[str, Resource] = {}
    hosts: dict[str, dict[str, str]] = {}
    for step in digest.get("steps") or []:
        op = STEPS.get(step["op"], step["op"])
        urn = step["urn"]
        if not op or op == "refresh" or (op in QUIET and urn in resources):
            continue
        resources[urn] = Resource(
            type=type_of(urn),
            name=name_of(urn),
            op="same" if op in QUIET else op,
            changed={} if op in QUIET else _changed(step),
        )
        if type_of(urn) == DEPLOY and op not in QUIET and op != "delete":
            for host, operations in _pending(step).items():
                hosts.setdefault(host, {}).update(operations)
    return Preview(
        stack=stack,
        resources=tuple(resources.values()),
        hosts=dict(sorted(hosts.items())),
        messages=_said(digest, "warning", "error"),
        seconds=round(float(digest.get("duration") or 0) / 1e9, 1),
        errors=_said(digest, "error"),
        empty=any(r.type == ROOT and r.op == "create" for r in resources.values()),
        offline=offline,
    )


def unfinished(stack: str, reason: str) -> Preview:
    """A preview that ended before the engine had begun."""
    return Preview(
        stack=stack, resources=(), hosts={}, messages=(reason,), seconds=0, errors=(reason,)
    )


def _said(digest: Mapping[str, Any], *severities: str) -> tuple[str, ...]:
    """The engine's messages, each once."""
    found = [
        str(item.get("message", "")).strip()
        for item in digest.get("diagnostics") or []
        if item.get("severity") in severities
    ]
    return tuple(dict.fromkeys(message for message in found if message))


def _pending(step: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    inputs = (step.get("newState") or {}).get("inputs") or {}
    pending = inputs.get("pending") or {}
    if not isinstance(pending, Mapping):
        return {}
    return {
        str(host): {str(name): _text(value) for name, value in operations.items()}
        for host, operations in pending.items()
        if isinstance(operations, Mapping) and operations
    }


def _text(value: Any) -> str:
    """A text of several lines travels as a list of lines."""
    return "\n".join(map(str, value)) if isinstance(value, list) else str(value)


def _changed(step: Mapping[str, Any]) -> dict[str, str]:
    """Old and new value of each changed property, as far as they are plain and short."""
    if type_of(step["urn"]) == DEPLOY:
        keys = [key for key in step.get("detailedDiff") or {} if not key.startswith("pending")]
        return dict.fromkeys(keys, "")
    old = (step.get("oldState") or {}).get("inputs") or {}
    new = (step.get("newState") or {}).get("inputs") or {}
    return {
        key: _difference(_at(old, key), _at(new, key))
        for key in sorted(step.get("detailedDiff") or {})
    }


def _at(tree: Any, key: str) -> Any:
    for step in key.replace("]", "").replace("[", ".").split("."):
        step = step.strip('"')
        if isinstance(tree, Mapping):
            tree = tree.get(step)
        elif isinstance(tree, list) and step.isdigit() and int(step) < len(tree):
            tree = tree[int(step)]
        else:
            return None
    return tree


def _difference(old: Any, new: Any) -> str:
    plain = (str, int, float, bool, type(None))
    if not isinstance(old, plain) or not isinstance(new, plain):
        return ""
    return f"{_short(old)} -> {_short(new)}"


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else text[:57] + "..."


def to_do(operations: Mapping[str, str]) -> dict[str, str]:
    """The operations of a host, without the entry that says why it could not be read."""
    return {name: text for name, text in operations.items() if name != CONNECTION}


def headline(preview: Preview) -> str:
    """What would change, in one sentence."""
    if not preview.changed:
        return f"Nothing would change on stack {preview.stack}."
    counts: dict[str, int] = {}
    for resource in preview.changed:
        counts[resource.op] = counts.get(resource.op, 0) + 1
    words = {"create": "created", "update": "changed", "replace": "replaced", "delete": "deleted"}
    parts = [f"{count} {words.get(op, op)}" for op, count in sorted(counts.items())]
    hosts = len(preview.hosts)
    on = f"; {many(preview.operations, 'operation')} on {many(hosts, 'host')}" if hosts else ""
    return f"Resources of stack {preview.stack}: {', '.join(parts)}{on}."


def many(count: int, noun: str) -> str:
    """A count with its noun."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def sign(resource: Resource) -> str:
    """One sign for a resource's change."""
    return MARKS.get(resource.op, "?")


def label(resource: Resource) -> str:
    """A resource as a person calls it."""
    return f"{resource.kind} {resource.name}"
