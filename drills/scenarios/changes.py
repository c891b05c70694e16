"""What ``up`` does to a running pair: a lost node comes back, a changed value moves nothing.

Neither has anybody powered off, and clients go on writing.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from drills.described import in_force
from drills.drill import Drill
from drills.faults import machine_lost
from drills.stage import MOVE_S, Stage
from stacks.plan_data_types import DrbdResource

STALL_S = 10.0
"""No outage: a machine that boots and is configured beside the active one takes its processor."""
FULL = 0.9
"""Share of a disk that a full resync copies at least: its metadata are no data."""
RESYNC = r"drbd {name}/\d+ .*Began resync as SyncTarget \(will sync (\d+) KB"
"""What the kernel says of a disk's resync (DRBD 8.4)."""


def node_lost(stage: Stage) -> None:
    """The backup's machine and all of its volumes are removed behind Pulumi's back."""
    active = stage.active
    stage.gather(active)
    lost = stage.other(active)
    stage.mark(f"{lost} shut down")
    # In order: it takes its leave of its peer, which has nobody to be afraid of.
    stage.stack.exec(lost, "systemctl poweroff", check=False)
    stage.wait_until_off(lost)
    with machine_lost(stage.stack, lost):
        stage.mark(f"machine and volumes of {lost} removed")
    stage.mark(f"up has made {lost} anew")
    stage.wait_until_steady(timeout_s=2 * MOVE_S)
    for resource in stage.data.drbd.resources:
        _expect_full_resync(stage, lost, resource)
    stage.writes_go_on()
    stage.expect_nothing_moved()
    stage.expect_nobody_asked_off()


def _expect_full_resync(stage: Stage, node: str, resource: DrbdResource) -> None:
    """A node's copy of a disk was copied as a whole since it booted."""
    kernel = stage.stack.exec(node, "journalctl -q --no-pager -k -b -o cat")
    found = re.findall(RESYNC.format(name=re.escape(resource.name)), kernel)
    kib = max((int(number) for number in found), default=0)
    sentence = f"{node} got {kib} KiB of {resource.name}, which has {resource.size_mib} MiB"
    stage.expect(kib >= FULL * resource.size_mib * 1024, sentence)
    stage.say(sentence)


@dataclass(frozen=True, kw_only=True)
class Change:
    """One value of a pair, and what the preview says that another one needs."""

    key: str
    """Its place in the description, below the pair."""
    value: int
    """The other one."""
    needs: str
    """Words of the preview."""


def changes(stage: Stage) -> list[Change]:
    """One value for each way in which a running pair takes one up."""
    data = stage.data
    found = [
        Change(
            key="heartbeat.deadtime_s",
            value=data.heartbeat.deadtime_s + 1,
            needs="needs a restart of Heartbeat",
        ),
        Change(
            key="drbd.resync_rate_mib",
            value=data.drbd.resync_rate_mib // 2,
            needs="reload: `drbdadm adjust`",
        ),
    ]
    if data.mysql is not None:
        pool_mib = data.mysql.buffer_pool_mib + 16
        found.append(
            Change(key="mysql.buffer_pool_mib", value=pool_mib, needs="needs a switchover")
        )
    if data.nfs is not None:
        threads = data.nfs.threads + 1
        found.append(Change(key="nfs.threads", value=threads, needs="needs a switchover"))
    return found


def values_changed(stage: Stage) -> None:
    """One value after the other, there and back, by ``up``."""
    for change in changes(stage):
        key = f"pairs.{stage.pair}.{change.key}"
        stage.mark(f"{key}: {change.value}")
        with in_force(stage.stack, put={key: change.value}) as other:
            problems = other.status()["problems"]
            stage.expect(not problems, f"{key}: {' '.join(problems)}")
            _expect_back(stage, change)
        stage.expect_nothing_moved()
        stage.expect_nobody_asked_off()
    stage.mark("every value as it was")
    _restart_heartbeat(stage)


def _expect_back(stage: Stage, change: Change) -> None:
    """The way back is a change as well: the preview says what it needs, per value."""
    hosts = stage.stack.preview()["hosts"]
    for node in stage.nodes:
        text = json.dumps(hosts.get(node, {}), ensure_ascii=False)
        stage.expect(change.needs in text, f"preview of {change.key} on {node}: {text[:500]}")


def _restart_heartbeat(stage: Stage) -> None:
    """As the preview says, backup first: its file was written anew, and ``verify`` goes by that."""
    for node in stage.nodes:
        stage.gather(stage.other(node))
        stage.stack.exec(node, "systemctl restart heartbeat")
        stage.wait_until_steady()
    stage.stack.pairwise("verify", stage.stack.name)


DRILLS = (
    Drill(
        name="node-lost",
        sentence="The backup and its volumes are gone: `up` makes it anew, it copies everything.",
        run=node_lost,
        seconds=600,
        stall_s=STALL_S,
    ),
    Drill(
        name="values-changed",
        sentence="Values of the running pair change, one at a time, by `up`: nothing moves.",
        run=values_changed,
        seconds=1200,
    ),
)
