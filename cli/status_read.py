"""What is read on each node for ``status``, in one SSH connection, and how it is understood."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bootstrap.facts import drbd, drbd_generations
from bootstrap.facts.drbd import DrbdState
from bootstrap.facts.drbd_generations import Generations
from bootstrap.shared import pairs
from cli import status_lvs

STATE_FOLDER = "/run/keepalived"
"""Where the keepalived block's notify script writes one file per VIP."""
MONITOR_S = 15
"""A pass of the monitor that waits for three programs takes as long."""
MARK = "== "
"""Begins the heading of each part of a node's answer."""


@dataclass(frozen=True, kw_only=True)
class Unit:
    """One systemd unit as it is now."""

    active: str
    """ActiveState: active, inactive, failed, activating ..."""
    sub: str
    """SubState: running, dead, auto-restart ..."""


@dataclass(frozen=True, kw_only=True)
class Named:
    """One problem that the monitor of a node has named."""

    id: str
    """Its name."""
    text: str
    """One sentence."""
    command: str
    """What to type."""


@dataclass(frozen=True, kw_only=True)
class NodeAnswer:
    """What one node said."""

    reachable: bool
    """Whether it answered at all."""
    reason: str = ""
    """Why not."""
    addresses: frozenset[str] = frozenset()
    """IPv4 addresses on its interfaces."""
    vrrp: dict[str, str] = field(default_factory=dict)
    """MASTER, BACKUP or FAULT by VIP, as keepalived told its notify script."""
    units: dict[str, Unit] = field(default_factory=dict)
    """The units that the node's blocks own."""
    failed: tuple[str, ...] = ()
    """Every failed unit of the machine."""
    drbd: Mapping[int, DrbdState] = field(default_factory=dict)
    """Its DRBD resources by minor."""
    generations: Mapping[int, Generations] = field(default_factory=dict)
    """Of its copies, by minor; read only while one has no connection."""
    mounts: frozenset[str] = frozenset()
    """Where DRBD devices are mounted."""
    met_peer: bool = True
    """Whether it has met its peer since it booted; true where nobody asks."""
    gtid: Mapping[str, Any] = field(default_factory=dict)
    """What the reconciler of a GTID pair has published; empty: nothing."""
    gtid_age_s: float = 0.0
    """Seconds since it has."""
    replica: Mapping[str, Any] = field(default_factory=dict)
    """What the agent of a read tier's replica has published; empty: nothing."""
    replica_age_s: float = 0.0
    """Seconds since it has."""
    backends: tuple[Mapping[str, str], ...] = ()
    """Servers that its splitter uses: node, role and state; empty: none, or no splitter."""
    services: status_lvs.Table = field(default_factory=dict)
    """Virtual services in its kernel's table."""
    fence_waiting: str = ""
    """Why a take-over waits for fencing; empty: none does."""
    monitor_age_s: int | None = None
    """Age of the monitor's status; none: there is none."""
    named: tuple[Named, ...] = ()
    """The monitor's problems; none of a monitor that no longer looks."""


def script(units: Iterable[str]) -> str:
    """Shell script that prints all that ``parse`` reads."""
    names = " ".join(sorted(units)) or "multi-user.target"
    return f"""
echo '{MARK}addresses'; ip -j -4 address show
echo '{MARK}vrrp'
for file in {STATE_FOLDER}/*.state; do
  [ -f "$file" ] && echo "$(basename "$file" .state) $(cat "$file")"
done
echo '{MARK}units'; systemctl show -p Id -p ActiveState -p SubState {names}
echo '{MARK}failed'; systemctl list-units --failed --plain --no-legend --no-pager
echo '{MARK}drbd'; {drbd.script()}
echo '{MARK}generations'; {drbd_generations.script()}
echo '{MARK}mounts'; grep '^/dev/drbd' /proc/mounts
echo '{MARK}fence'; cat {pairs.WAITING} 2>/dev/null
echo '{MARK}gtid'; cat {pairs.GTID} 2>/dev/null; echo; date +%s
echo '{MARK}replica'; cat {pairs.READ_REPLICA} 2>/dev/null; echo; date +%s
echo '{MARK}backends'; [ ! -e {pairs.SPLIT_BACKENDS} ] || python3 {pairs.SPLIT_BACKENDS}
echo '{MARK}services'; {status_lvs.SCRIPT}
echo '{MARK}met'; ls {pairs.MET_PEER} {pairs.ACTIVATED} 2>/dev/null
echo '{MARK}monitor'; [ ! -e {pairs.MONITOR_STATUS} ] ||
  echo $(($(date +%s) - $(stat -c %Y {pairs.MONITOR_STATUS})))
echo '{MARK}named'; cat {pairs.MONITOR_PROBLEMS} 2>/dev/null; echo
echo '{MARK}end'
"""


def parse(output: str) -> NodeAnswer:
    """Understand a node's answer; one that is cut off counts as no answer."""
    parts: dict[str, list[str]] = {}
    current: list[str] = []
    for line in output.splitlines():
        if line.startswith(MARK):
            current = parts.setdefault(line.removeprefix(MARK).strip(), [])
        else:
            current.append(line)
    if "end" not in parts:
        return NodeAnswer(reachable=False, reason="its answer was cut off")
    rows = [line.split() for line in parts.get("vrrp", [])]
    age = " ".join(parts.get("monitor", [])).strip()
    age_s = int(age) if age.lstrip("-").isdigit() else None
    fresh = age_s is not None and age_s <= MONITOR_S
    gtid, gtid_age_s = _document(parts.get("gtid", []))
    replica, replica_age_s = _document(parts.get("replica", []))
    return NodeAnswer(
        reachable=True,
        addresses=_addresses("\n".join(parts.get("addresses", []))),
        vrrp={row[0]: row[1] for row in rows if len(row) == 2},
        units=_units(parts.get("units", [])),
        drbd=drbd.process(parts.get("drbd", [])),
        generations=drbd_generations.process(parts.get("generations", [])),
        mounts=frozenset(line.split()[1] for line in parts.get("mounts", []) if line.split()),
        met_peer=bool(parts.get("met")),
        gtid=gtid,
        gtid_age_s=gtid_age_s,
        replica=replica,
        replica_age_s=replica_age_s,
        backends=_backends(parts.get("backends", [])),
        services=status_lvs.parse(parts.get("services", [])),
        fence_waiting=" ".join(parts.get("fence", [])).strip(),
        monitor_age_s=age_s,
        named=_named(parts.get("named", [])) if fresh else (),
        failed=tuple(line.split()[0] for line in parts.get("failed", []) if line.split()),
    )


def _named(lines: Iterable[str]) -> tuple[Named, ...]:
    try:
        found = json.loads("\n".join(lines).strip() or "[]")
        return tuple(
            Named(id=str(one["id"]), text=str(one["text"]), command=str(one["command"]))
            for one in found
        )
    except (ValueError, KeyError, TypeError):
        return ()


def _document(lines: list[str]) -> tuple[Mapping[str, Any], float]:
    """What a program of ours has published and, by the node's own clock, its age."""
    try:
        found = json.loads(lines[0])
        return found, float(lines[-1]) - float(found["time"])
    except (IndexError, ValueError, TypeError, KeyError):
        return {}, 0.0


def _backends(lines: list[str]) -> tuple[Mapping[str, str], ...]:
    try:
        return tuple(
            {key: str(row[key]) for key in ("node", "role", "state")}
            for row in json.loads("\n".join(lines).strip() or "[]")
        )
    except (ValueError, KeyError, TypeError):
        return ()


def _addresses(text: str) -> frozenset[str]:
    try:
        interfaces = json.loads(text or "[]")
    except ValueError:
        return frozenset()
    return frozenset(
        address["local"]
        for interface in interfaces
        for address in interface.get("addr_info", [])
        if "local" in address
    )


def _units(lines: Iterable[str]) -> dict[str, Unit]:
    """Blocks of ``Key=value`` lines with an empty line between two units."""
    found: dict[str, Unit] = {}
    values: dict[str, str] = {}
    for line in [*lines, ""]:
        if line.strip():
            key, _, value = line.partition("=")
            values[key] = value
        elif values:
            found[values.get("Id", "")] = Unit(
                active=values.get("ActiveState", ""), sub=values.get("SubState", "")
            )
            values = {}
    return found
