"""A daemon that stops or dies: it comes back where it was, or its group moves; nothing is lost."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from drills.drill import Drill
from drills.faults import start_again
from drills.faults_inside import killed
from drills.stage import Stage


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
    """All of Heartbeat on the active node at once: a silent node that still serves."""
    active = stage.active
    stage.gather(active)
    stage.may_fence = {active}
    stage.mark(f"heartbeat killed on {active}")
    killed(stage.stack, active, "heartbeat")
    stage.writes_go_on()
    start_again(stage.stack, stage.nodes)
    stage.wait_until_steady()
    stage.writes_go_on()


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
        groups=("mysql",),
    ),
    Drill(
        name="kill-heartbeat",
        sentence="Heartbeat is killed on the active node: its groups stay or move, held by one.",
        run=kill_heartbeat,
        seconds=240,
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
        groups=("nfs",),
    ),
    Drill(
        name="kill-mountd",
        sentence="rpc.mountd is killed: it is started again or its group moves.",
        run=partial(kill_service, process="rpc.mountd", group="nfs"),
        seconds=90,
        groups=("nfs",),
    ),
)
