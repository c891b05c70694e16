"""`pending`: what would change on the machines, host -> operation -> text, as the preview shows it.

The child's findings become an input of the Deploy. In the preview it holds the diffs; in the
update phase only a digest of each, because the engine records inputs in the state.
"""

import hashlib
from collections.abc import Mapping
from typing import Any, Final

from provider.values import Unknown, leaves, quoted

Pending = dict[str, dict[str, str]]

AFTER_APPLY: Final = "known after apply"
TO_BE_CREATED: Final = "to be created"
CONNECTION: Final = "connection"
"""The entry that says in words why a host could not be read."""

DIGEST_LENGTH: Final = 12
"""Hexadecimal digits; enough to tell two texts of one operation apart."""


def of_result(result: Mapping[str, Any]) -> Pending:
    """Return the pending operations of a child's plan result; hosts without any are left out."""
    pending: Pending = {}
    for name, host in sorted(result["hosts"].items()):
        operations = _of_host(host)
        if operations:
            pending[name] = operations
    return pending


def _of_host(host: Mapping[str, Any]) -> dict[str, str]:
    operations = dict(host["operations"])
    if host["state"] == "unknown":
        return dict.fromkeys(operations, AFTER_APPLY) or {"every operation": AFTER_APPLY}
    if host["state"] == "unreachable":
        reason = f"not reachable yet ({host['reason']}); every operation is to be created"
        return {CONNECTION: reason, **dict.fromkeys(operations, TO_BE_CREATED)}
    if host.get("error"):
        return {CONNECTION: f"could not be read: {host['error']}", **operations}
    return operations


def unknown(hosts: list[str]) -> Pending:
    """Return the pending entry for hosts about which nothing can be said yet."""
    return {name: {"every operation": AFTER_APPLY} for name in sorted(hosts)}


def unread(hosts: list[str], *, reason: str) -> Pending:
    """Return the pending entry for hosts whose dry run gave no answer."""
    return {name: {CONNECTION: f"could not be read: {reason}"} for name in sorted(hosts)}


def shown(pending: Pending) -> dict[str, dict[str, str | list[str]]]:
    """Return the form for the engine: a text of several lines as a list of lines.

    Pulumi shows the first three lines of a string and tries to read it as YAML; of a list it shows
    everything.
    """
    return {
        host: {
            name: text.split("\n") if "\n" in text else text for name, text in operations.items()
        }
        for host, operations in pending.items()
    }


def digests(pending: Pending) -> Pending:
    """Return the same operations with a digest in place of each text."""
    return {
        host: {
            name: hashlib.sha256(text.encode()).hexdigest()[:DIGEST_LENGTH]
            for name, text in operations.items()
        }
        for host, operations in pending.items()
    }


def keys(pending: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return one property path per host and operation: `pending["lb1"]["nginx: reload"]`."""
    return [
        f"pending[{quoted(host)}][{quoted(name)}]"
        for host, operations in pending.items()
        for name in operations
    ]


def changed_identities(old: Any, new: Any) -> list[str]:
    """Return the paths of the hosts whose machine was or will be replaced, or is new.

    Args:
        old: the recorded spec. new: the spec of this run, which may hold unknown values.
    """
    if not isinstance(old, Mapping) or not isinstance(new, Mapping):
        return ["spec"]
    before, after = old.get("hosts"), new.get("hosts")
    if not isinstance(before, Mapping) or not isinstance(after, Mapping):
        return ['spec["hosts"]']
    paths = []
    for name, host in after.items():
        path = f'spec["hosts"][{quoted(name)}]["identity"]'
        recorded = before.get(name)
        if not isinstance(host, Mapping) or not isinstance(recorded, Mapping):
            paths.append(path.removesuffix('["identity"]'))
        elif host.get("identity") != recorded.get("identity"):
            paths.append(path)
    return paths


def structural(old: Any, new: Any) -> dict[str, str]:
    """Return the leaves of the spec that differ: path -> "add", "delete" or "update".

    Used where the machines are not asked (`offline`).
    """
    before, after = dict(leaves(old, "spec")), dict(leaves(new, "spec"))
    found = {path: "delete" for path in before if path not in after}
    for path, value in after.items():
        if path not in before:
            found[path] = "add"
        elif isinstance(value, Unknown) or before[path] != value:
            found[path] = "update"
    return found
