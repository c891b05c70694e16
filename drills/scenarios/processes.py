"""A daemon that stops or dies: it comes back where it was, or its group moves; nothing is lost."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from drills.drill import DOPD_ALONE, HALF, POWERED_OFF, Drill
from drills.faults import cut
from drills.faults_inside import killed
from drills.scenarios.links import STALL_S
from drills.stage import Stage
from drills.wait import wait_until

OUTDATE = "pairwise-outdate.service"
"""Block fencing's unit."""
DOPD = "/usr/libexec/heartbeat/dopd"
"""Identifier of its lines in the journal."""
READY = "Waiting for messages"
"""What it says once Heartbeat knows it: from then on it outdates a disk when it is asked."""
RESPAWN_S = 60
"""Heartbeat starts it again at once; emulated, it signs in after five seconds."""


def service_stop(stage: Stage) -> None:
    """Document 002: the NFS server is stopped by hand; the monitor starts it again."""
    unit = stage.data.group("nfs").units[-1]
    _broken(
        stage,
        "nfs",
        f"{unit} stopped",
        lambda node: stage.stack.exec(node, f"systemctl stop {unit}"),
    )
    stage.expect_nothing_moved()


def kill_service(stage: Stage, *, process: str, group: str) -> None:
    """SIGKILL on the node that holds the group."""
    _broken(stage, group, f"{process} killed", lambda node: killed(stage.stack, node, process))


def no_threads(stage: Stage) -> None:
    """The NFS server's unit stays active and nobody serves."""
    _broken(stage, "nfs", "no NFS threads", lambda node: stage.stack.exec(node, "rpc.nfsd 0"))


def _broken(stage: Stage, group: str, what: str, fault: Callable[[str], object]) -> None:
    """A fault on the node that holds a group; clients write again, and the pair is steady."""
    active = stage.holder(stage.data.group(group))
    stage.mark(f"{what} on {active}")
    fault(active)
    stage.writes_go_on()
    stage.wait_until_steady()


def kill_heartbeat(stage: Stage) -> None:
    """All of Heartbeat on the active node at once: a silent node that still serves is powered off
    before anybody takes its groups over."""
    active = stage.active
    stage.gather(active)
    stage.must_fence = {active}
    stage.mark(f"heartbeat killed on {active}")
    killed(stage.stack, active, "heartbeat")
    stage.wait_until_off(active)
    stage.writes_go_on()
    stage.expect_all_at(stage.other(active))
    stage.wait_until_steady_again()
    stage.writes_go_on()


def kill_dopd(stage: Stage) -> None:
    """Heartbeat starts it again on both nodes."""
    _without_outdaters(stage, "dopd", lambda node: killed(stage.stack, node, "dopd"), _signed_in)


def kill_outdate(stage: Stage) -> None:
    """systemd starts it again on both nodes."""

    def kill(node: str) -> None:
        stage.stack.exec(node, f"systemctl kill --signal=KILL {OUTDATE}")

    _without_outdaters(stage, OUTDATE, kill, _listens)


def _without_outdaters(
    stage: Stage, what: str, kill: Callable[[str], None], ready: Callable[..., bool]
) -> None:
    """What outdates copies dies on both nodes, comes back, and then does what it is for: a peer
    over whose replication link nothing comes is outdated, and nobody is powered off."""
    active = stage.active
    stage.gather(active)
    for node in (active, stage.other(active)):
        since = stage.stack.exec(node, "date +%s.%N").strip()
        stage.mark(f"{what} killed on {node}")
        kill(node)
        wait_until(
            partial(ready, stage, node, since=float(since)),
            what=f"{what} on {node} to be asked again",
            timeout_s=RESPAWN_S,
            every_s=2,
        )
    stage.mark("replication link cut")
    with cut(stage.stack.netns, stage.plans(active), (stage.replication_network,)):
        stage.writes_go_on()
    stage.mark("replication link whole")
    stage.wait_until_steady()
    stage.expect_nothing_moved()
    stage.expect_nobody_asked_off()


def _signed_in(stage: Stage, node: str, *, since: float) -> bool:
    """Whether a dopd has signed in with Heartbeat since an instant, by the node's clock."""
    command = f"journalctl -q --no-pager -o short-unix -t {DOPD} --since @{int(since)}"
    lines = stage.stack.exec(node, command, check=False).splitlines()
    return any(READY in line and float(line.split()[0]) > since for line in lines)


def _listens(stage: Stage, node: str, *, since: float) -> bool:
    """Whether one that was started since an instant, by the node's clock, can be asked."""
    line = stage.data.fence.outdate
    assert line is not None
    command = (
        f'test "$(stat -c %Y /proc/$(systemctl show -P MainPID {OUTDATE}))" -ge {int(since)}'
        f" && ss -Hlun sport = {line.port} | grep -q ."
    )
    return stage.stack.exec(node, f"{command} && echo yes", check=False).strip() == "yes"


DRILLS = (
    Drill(
        name="service-stop",
        sentence="The NFS server is stopped by hand: the monitor brings it back, nothing moves.",
        run=service_stop,
        seconds=90,
        groups=("nfs",),
    ),
    Drill(
        name="kill-mysqld",
        sentence="mysqld is killed: it is started again or its group moves.",
        run=partial(kill_service, process="mysqld", group="mysql"),
        seconds=120,
        most=HALF,
        groups=("mysql",),
    ),
    Drill(
        name="kill-heartbeat",
        sentence="Heartbeat is killed on the active node: it is powered off, its groups move.",
        run=kill_heartbeat,
        seconds=300,
        most=HALF,
        fencing=POWERED_OFF,
    ),
    Drill(
        name="kill-dopd",
        sentence="dopd is killed on both nodes: it comes back and outdates a peer that is cut off.",
        run=kill_dopd,
        seconds=180,
        stall_s=STALL_S,
        fencing=DOPD_ALONE,
    ),
    Drill(
        name="kill-outdate",
        sentence="What outdates copies is killed on both nodes: it comes back and does so.",
        run=kill_outdate,
        seconds=180,
        stall_s=STALL_S,
        fencing=POWERED_OFF,
    ),
    Drill(
        name="nfs-threads-0",
        sentence="The NFS server loses all its threads: it is restarted or its group moves.",
        run=no_threads,
        seconds=120,
        groups=("nfs",),
    ),
    Drill(
        name="kill-nfsdcld",
        sentence="nfsdcld is killed: it is started again, and clients keep their state.",
        run=partial(kill_service, process="nfsdcld", group="nfs"),
        seconds=90,
        most=HALF,
        groups=("nfs",),
    ),
    Drill(
        name="kill-mountd",
        sentence="rpc.mountd is killed: it is started again or its group moves.",
        run=partial(kill_service, process="rpc.mountd", group="nfs"),
        seconds=90,
        most=HALF,
        groups=("nfs",),
    ),
)
