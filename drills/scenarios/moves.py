"""Moves on purpose: the authors' own test, the planned switchover, the switch of a disk by hand."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial

from drills.drill import BOTH, Drill
from drills.faults_inside import service_stopped
from drills.scenarios.sources import reboot
from drills.stage import Stage

HAND_FILE = "pairwise-drill-by-hand"
"""File that is written on one node and read on the other."""


def heartbeat_stop(stage: Stage) -> None:
    """Documents 000 and 002: stop Heartbeat on the active node, then on the other one."""
    stage.gather(stage.active)
    for _ in ("there", "back"):
        active = stage.active
        stage.mark(f"heartbeat stopped on {active}")
        with service_stopped(stage.stack, active, "heartbeat"):
            stage.writes_go_on()
            stage.expect_all_at(stage.other(active))
        stage.mark(f"heartbeat started on {active}")
        stage.wait_until_steady()


def switchover(stage: Stage) -> None:
    """``pairwise switchover`` there and back."""
    stage.gather(stage.active)
    for _ in ("there", "back"):
        target = stage.other(stage.active)
        stage.mark(f"switchover to {target}")
        stage.switch(target)
        stage.writes_go_on()
        stage.wait_until_all_at(target)
        stage.wait_until_steady()


def drbd_hand_switch(stage: Stage) -> None:
    """Document 002: a file on one node, the disk switched by hand, read on the other, and back."""
    first, group = stage.active, stage.disk_group
    stage.gather(first)
    with ExitStack() as stopped:
        # Backup first, so that nothing is taken over; started in the other order.
        for unit in ("pairwise-monitor", "heartbeat"):
            for node in (stage.other(first), first):
                stopped.enter_context(service_stopped(stage.stack, node, unit))
        stage.mark("heartbeat stopped on both nodes")
        written = ""
        for turn, node in enumerate((first, stage.other(first), first)):
            written = _use_by_hand(stage, node, expected=written, text=f"turn {turn} on {node}")
    stage.mark("heartbeat started on both nodes")
    stage.expect_at(group, stage.holder(group))


def _use_by_hand(stage: Stage, node: str, *, expected: str, text: str) -> str:
    """Promote and mount on a node, read the other's text and leave its own, which is returned;
    meanwhile the other one is refused everything."""
    stack, group, idle = stage.stack, stage.disk_group, stage.other(node)
    file = f"{group.on_disk.mount_point}/{HAND_FILE}"
    stack.exec(node, f"drbdadm primary {group.on_disk.resource}")
    try:
        # systemd makes it with the first take-over, which a node may not have had yet.
        stack.exec(node, f"mkdir -p {group.on_disk.mount_point}")
        stack.exec(node, f"mount {group.on_disk.device} {group.on_disk.mount_point}")
        try:
            if expected:
                found = stack.exec(node, f"cat {file}").strip()
                stage.expect(found == expected, f"{node} read {found!r} and not {expected!r}")
                stage.say(f"{node} read {found!r}")
            stack.exec(node, f"echo '{text}' >{file}; sync -f {file}")
            _refused(stage, idle, f"mount {group.on_disk.device} {group.on_disk.mount_point}")
            _refused(stage, idle, f"drbdadm primary {group.on_disk.resource}")
            _refused(stage, idle, f"systemctl start {group.units[-1]}")
        finally:
            stack.exec(node, f"umount {group.on_disk.mount_point}")
    finally:
        stack.exec(node, f"drbdadm secondary {group.on_disk.resource}")
    return text


def _refused(stage: Stage, node: str, command: str) -> None:
    """A command must fail on a node, and say why."""
    said = stage.stack.exec(node, f"{command} 2>&1 && echo DONE-ALL-THE-SAME", check=False)
    stage.expect("DONE-ALL-THE-SAME" not in said, f"{node} did `{command}` on a Secondary")
    words = said.strip().splitlines()
    stage.expect(bool(words), f"{node} refused `{command}` without a word")
    stage.say(f"{node} refused `{command}`: {words[-1]}")


DRILLS = (
    Drill(
        name="heartbeat-stop",
        sentence="Heartbeat is stopped on the active node, there and back: the peer takes over.",
        run=heartbeat_stop,
        seconds=150,
    ),
    Drill(
        name="active-reboot",
        sentence="The active node's machine reboots: its groups go over, nobody is powered off.",
        run=partial(reboot, source=True),
        seconds=240,
    ),
    Drill(
        name="switchover",
        sentence="A planned switchover, there and back, under load: nothing is lost.",
        kinds=BOTH,
        run=switchover,
        seconds=150,
    ),
    Drill(
        name="drbd-hand-switch",
        sentence="The disk is switched by hand, there and back; the Secondary refuses in words.",
        run=drbd_hand_switch,
        seconds=180,
        most_groups=1,
        is_loaded=False,
    ),
)
