"""What a pair has whose key was ever changed: a program that has both nodes take the next one.

Where ``heartbeat.key`` of the description is 1 there is nothing of it.
"""

from __future__ import annotations

import json
from pathlib import Path, PurePosixPath

from bootstrap.blocks.heartbeat.program import key
from bootstrap.checks import Check
from bootstrap.managed import ManagedFile, Unit
from bootstrap.render import render
from bootstrap.shared import pairs, programs
from bootstrap.shared.systemd import check_unit
from stacks.plan_data_types import DataPlan
from stacks.plan_types import DeployPlan, NodePlan

TOGETHER = "no restart: at its end `up` has both nodes take it within the dead time; nothing moves"
"""Effect of another key."""
PROGRAM = f"{pairs.SCRIPTS}/heartbeat-key"
CONFIG = "/etc/pairwise/heartbeat-key.json"
UNIT = "pairwise-heartbeat-key.service"
UNIT_FILE = f"/etc/systemd/system/{UNIT}"
PID_FILE = "/run/heartbeat.pid"
"""Of the package's unit; written once Heartbeat has read ha.cf."""
MEMORY_MIB = 32
"""Python takes 12."""
RUN = f"/usr/bin/python3 -I -B {PROGRAM} {CONFIG}"
LEAD = (
    f"systemd-run --quiet --wait --pipe --collect --unit={PurePosixPath(UNIT).stem}-lead {RUN} lead"
)
"""A unit of its own: what ends `up` does not end a switch."""


def waiting(authkeys: str) -> str:
    """Where a key waits until both nodes take it; nothing of Heartbeat looks there."""
    return f"{authkeys}.new"


def has_program(data: DataPlan) -> bool:
    """Whether the description's number says that the key was changed."""
    return data.heartbeat.key > 1


def files(
    node: NodePlan, plan: DeployPlan, data: DataPlan, *, authkeys: str, ha_cf: str
) -> tuple[ManagedFile, ...]:
    """The program, what it is configured by, and its unit."""
    if not has_program(data):
        return ()
    heartbeat = data.heartbeat
    config = {
        "": f"Managed by pairwise (stacks/{plan.stack}); local edits are lost.",
        "node": node.name,
        "peer": data.fence.peer,
        "links": {link.interface: str(link.peer_address) for link in heartbeat.links},
        "port": heartbeat.port,
        "keepalive_s": heartbeat.keepalive_s,
        "deadtime_s": heartbeat.deadtime_s,
        "authkeys": authkeys,
        "ha_cf": ha_cf,
        "pid_file": PID_FILE,
    }
    unit = render(
        "blocks/heartbeat/templates/key.service.j2",
        stack=plan.stack,
        peer=data.fence.peer,
        waiting=waiting(authkeys),
        run=RUN,
        memory_mib=MEMORY_MIB,
    )
    return (
        programs.one_file(PROGRAM, Path(key.__file__), stack=plan.stack),
        ManagedFile(
            path=CONFIG, content=json.dumps(config, indent=1) + "\n", check=programs.CHECK_JSON
        ),
        ManagedFile(path=UNIT_FILE, content=unit, check=check_unit(UNIT)),
    )


def units(data: DataPlan) -> tuple[Unit, ...]:
    """Enabled, and started by an operation while a key waits: at a boot it goes by that itself."""
    return (Unit(name=UNIT, running=None),) if has_program(data) else ()


def check(node: NodePlan, plan: DeployPlan, *, authkeys: str) -> Check:
    """Whether the last switch is over."""
    return Check(
        name="heartbeat: no new key waits",
        command=f"test ! -e {waiting(authkeys)}",
        failure=f"Heartbeat of {node.name} was given a key that its peer has not taken: `pairwise"
        f" up {plan.stack}` has both take it.",
    )
