"""keepalived's configuration file, whose advert interval may not shorten in one step."""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping
from dataclasses import replace

from pyinfra.api.command import StringCommand
from pyinfra.api.operation import operation

from bootstrap.changes import explain
from bootstrap.facts.node import Seen
from bootstrap.managed import ManagedFile, Unit
from bootstrap.operations import files
from bootstrap.operations.units import ACTIVE
from bootstrap.phases import has_content

ACTIVE_STATE = "MASTER"
"""As keepalived calls it."""

RELOAD_TIMEOUT_S = 30
"""keepalived reloads in 0.1 s on hardware, in 2 s under software emulation."""

_INTERVAL = re.compile(r"(vrrp_instance (\S+) \{.*?\n\s+advert_int )(\S+)", re.DOTALL)


def intervals(text: str) -> dict[str, str]:
    """Instance -> advert interval, as written in a keepalived.conf."""
    return {match[2]: match[3] for match in _INTERVAL.finditer(text)}


def eased(new: str, old: str, *, held: frozenset[str]) -> str | None:
    """Return what a running keepalived may read before ``new``, or None when it may read that.

    Args:
        new: planned content. old: content that it runs with. held: instances that are active here.
    """
    before, after = intervals(old), intervals(new)
    shorter = {name for name in after if name in before and _less(after[name], before[name])}
    if not shorter:
        return None

    def keep(match: re.Match[str]) -> str:
        name = match[2]
        stays = name in shorter and name not in held
        return f"{match[1]}{before[name] if stays else match[3]}"

    return _INTERVAL.sub(keep, new)


def _less(one: str, other: str) -> bool:
    try:
        return float(one) < float(other)
    except ValueError:
        return False


@operation()
def configured(
    file: ManagedFile, *, unit: Unit, states: Mapping[str, str], seen: Seen
) -> Generator[StringCommand, None, None]:
    """Make keepalived.conf hold its content, by way of an eased one where that is needed.

    + file: the file.
    + unit: keepalived's unit.
    + states: VIP -> the file that holds its state on this node.
    + seen: what is so on the node.

    A backup that reloads with a shorter interval than the active's takes the VIP. So a node first
    reloads with the shorter interval only for the VIPs that it holds; the rest follows by the
    reload in ``activate``, when every node of the pair has come here.
    """
    found = seen.files.get(file.path)
    if has_content(file, found) or seen.unit(unit.name).active not in ACTIVE or found is None:
        yield from files.put._inner(file, seen=seen)
        return
    held = frozenset(name for name, path in states.items() if _is_active(seen, path))
    between = eased(file.content, found.content.decode(errors="replace"), held=held)
    if between is not None:
        explain(files.difference(file, found, unknown=False))
        # keepalived reloads after systemctl has returned; the journal's end says when it has.
        done = "journalctl -q -t Keepalived -n 10 --since=@$since | grep -q 'Reload complete'"
        yield StringCommand(
            f"{files.install_command(replace(file, content=between))} && since=$(date +%s)"
            f" && export since && systemctl reload {unit.name} && timeout {RELOAD_TIMEOUT_S}"
            f' sh -c "until {done}; do sleep 1; done"'
        )
    yield from files.put._inner(file, seen=seen)


def _is_active(seen: Seen, path: str) -> bool:
    found = seen.files.get(path)
    return found is not None and found.content.decode(errors="replace").strip() == ACTIVE_STATE
