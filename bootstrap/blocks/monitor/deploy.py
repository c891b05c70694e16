"""The groups' monitor on both nodes of a Heartbeat pair: R1 itself never looks at what it started.

Needs: node.data; blocks drbd (the folder of marks), fencing (its marks) and heartbeat before it;
    notify where somebody is to be told.
Ensures: ``pairwise-monitor.service``, which each second looks once, restarts a daemon of a group
    that is here, hands a group over that restarting does not cure, requests a group again whose
    take-over got lost in Heartbeat, and writes status.json and problems.json below /run/pairwise.
    It moves groups through Heartbeat alone and never starts a resource or sets a VIP. It notes
    clients' connections beside a group's data, for the node to which the group comes.
Restart: when a file of it changes; nothing else is touched by that. What must outlive it, its
    hand-overs and arrivals, is in /var/lib/pairwise/monitor.json.
Pair order: any.
Verify: process, boot, a status that is not older than ten seconds. Checkers: Python's own parser.
Fails when: its configuration does not fit the program; journalctl -u pairwise-monitor says why.
Refs: document 002 (its monitor script), heartbeat(8), hb_standby(1),
    hb_takeover(1), cl_status(1), rc.d/hb_takeover and ResourceManager of Heartbeat 3.0.6.

Replaced from document 002: a shell loop that restarts nfs by ``pkill`` and then stops heartbeat ->
systemd's own ordered start, then a hand-over that the peer must be able to take. A group that
failed on both nodes stays where it is: two hand-overs within ten minutes, one by each node.

The program is the folder ``program`` and ``bootstrap/facts/drbd.py``, as they stand here, below
the same names: the node and the facts read /proc/drbd by one text.
"""

from __future__ import annotations

import json

from bootstrap.blocks.monitor import program
from bootstrap.blocks.monitor.program.seen import NO_DISK
from bootstrap.checks import Check
from bootstrap.facts import drbd
from bootstrap.managed import ManagedFile, Manifest
from bootstrap.render import render
from bootstrap.shared import notify, pairs, programs
from bootstrap.shared.systemd import check_unit
from stacks.plan_data_types import DataPlan, ServiceGroup
from stacks.plan_types import DeployPlan, NodePlan

NAME = "monitor"
UNIT = "pairwise-monitor.service"
UNIT_FILE = f"/etc/systemd/system/{UNIT}"
CONFIG = "/etc/pairwise/monitor.json"
FOLDER = f"{pairs.SCRIPTS}/monitor"
STATE = "pairwise"
"""Folder below /var/lib (systemd.exec(5), StateDirectory=)."""
STATE_FILE = f"/var/lib/{STATE}/monitor.json"
STATUS = pairs.MONITOR_STATUS
MEMORY_MIB = 96
"""The program takes 15, each of its short-lived children a few."""
WATCHDOG_S = 60
"""A pass that waits for three programs takes 15 s at most."""
SERVICE = programs.Service(block=NAME, unit=UNIT, status=STATUS)
MYSQL_SOCKET = "/run/mysqld/mysqld.sock"
"""Debian's own."""
GREETING = {"mysql.service": MYSQL_SOCKET}
"""Daemons that greet whoever connects, and where."""
HELPERS = {"nfs-server.service": ("nfs-mountd.service",)}
"""Units that a daemon's unit pulls in, and without which it does half its work."""
THREADS = "nfs-server.service"
"""Its unit is active while the kernel may have no thread left."""


def files(node: NodePlan, plan: DeployPlan) -> tuple[ManagedFile, ...]:
    """Every file of the block, in the order in which they are written."""
    unit = render(
        "blocks/monitor/templates/monitor.service.j2",
        stack=plan.stack,
        pair=plan.deploy,
        folder=FOLDER,
        module=program.__name__,
        config=CONFIG,
        state=STATE,
        state_file=STATE_FILE,
        run=pairs.RUN,
        memory_mib=MEMORY_MIB,
        watchdog_s=WATCHDOG_S,
    )
    config = json.dumps(_config(node, plan), indent=1) + "\n"
    return (
        *programs.files(FOLDER, program, drbd, stack=plan.stack),
        ManagedFile(path=CONFIG, content=config, check=programs.CHECK_JSON),
        ManagedFile(path=UNIT_FILE, content=unit, check=check_unit(UNIT)),
    )


def _config(node: NodePlan, plan: DeployPlan) -> dict[str, object]:
    """What ``program/config.py`` reads."""
    data = _data(node)
    told = [notify.PROGRAM, notify.USER, notify.Kind.MONITOR.value] if node.notify else []
    return {
        "": f"Managed by pairwise (stacks/{plan.stack}); local edits are lost.",
        "stack": plan.stack,
        "pair": plan.deploy,
        "node": node.name,
        "peer": data.fence.peer,
        "groups": [_group(group, data) for group in data.groups],
        "notify": told,
        "fence_waiting": pairs.WAITING,
        "peer_off": pairs.PEER_OFF,
        "of_absence": [pairs.PEER_OFF, pairs.CONFIRMED, pairs.ACTIVATED, pairs.WAITING],
        "ping": str(data.heartbeat.ping),
    }


def _group(group: ServiceGroup, data: DataPlan) -> dict[str, object]:
    disk = group.disk
    return {
        "name": group.name,
        "prefers": group.prefers,
        "key": group.key,
        "resource": "" if disk is None else disk.resource,
        "minor": NO_DISK.minor if disk is None else data.resource_of(group).minor,
        "mount_point": "" if disk is None else disk.mount_point,
        "connections": "" if disk is None else f"{disk.mount_point}/{pairs.CONNECTIONS}",
        "units": list(group.units),
        "helpers": [name for unit in group.units for name in HELPERS.get(unit, ())],
        "vip": str(group.vip),
        "socket": next((GREETING[unit] for unit in group.units if unit in GREETING), ""),
        "threads_of": THREADS if THREADS in group.units else "",
    }


def manifest(node: NodePlan, plan: DeployPlan) -> Manifest:
    """All that the block owns on a node."""
    return SERVICE.manifest(files(node, plan), packages=("python3",))


def checks(node: NodePlan, plan: DeployPlan) -> tuple[Check, ...]:
    """What ``pairwise verify`` tries."""
    return (*SERVICE.checks(f"The monitor of {node.name} ({plan.deploy})"),)


def _data(node: NodePlan) -> DataPlan:
    if node.data is None:
        raise ValueError(f"Node {node.name} has no groups in its plan.")
    return node.data
