"""GTID pairs: the author's own test, power cuts, crashes and reboots, and a transaction by hand."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from bootstrap.facts.mysql import CLIENT
from drills.drill import GTID, POWERED_OFF, Drill
from drills.faults import adverts_dropped, frozen, power_cut, shut_down
from drills.faults_inside import killed
from drills.scenarios.power import cut_the_active_one, stale_alone
from drills.splitters import wait_for_tables
from drills.stage import BOOT_S, STEADY_S, Stage
from drills.wait import last, wait_until

DEAF_S = 15
"""For which no advert arrives at a node that has just come back (requirements, stack duo)."""
SHUT_S = 240
"""A machine that hands over, stops a large server and goes off, on a busy hypervisor."""
NAMED_S = 90
"""`status` names what a reconciler has found at its next look."""
VIPS_STAY = "VIPs stay"
"""Invariant of a node that comes back: it takes none."""
READS_S = 3.0
"""Without a replica, reads go on after so long where a splitter is read through."""
BY_HAND = "pairwise_drill_by_hand"
"""Table that is made on one node alone."""


def sequence(stage: Stage, *, turns: int) -> None:
    """Document 003: the active machine is shut down and started again, there and back. Adverts to
    the one that comes back are lost at first: the author's most important test, which failed. Each
    splitter has one row meanwhile, and two afterwards."""
    for _ in range(turns):
        node = stage.active
        left = stage.other(node)
        stage.gather(node)
        stage.mark(f"{node} shut down")
        with shut_down(stage.stack, node):
            stage.wait_until_off(node, timeout_s=SHUT_S)
            stage.writes_go_on()
            stage.wait_until_all_at(left)
            stage.expect_nobody_asked_off()
            wait_for_tables(stage, source=left, off=node)
            come_back_deaf(stage, node)
        stage.wait_until_steady()
        wait_for_tables(stage, source=left, replica=node)
        stage.expect_all_at(left)
        stage.stack.pairwise("replication", "check", stage.stack.name)


def come_back_deaf(stage: Stage, node: str) -> None:
    """Its VIPs stay where they are, though it hears nobody who holds them."""
    left = stage.other(node)
    with started_deaf(stage, node):
        last(DEAF_S)
        moved = stage.moved_from(left, stage.groups, since=stage.marks[-1])
        stage.keep(VIPS_STAY, not moved, " ".join(moved))


@contextmanager
def started_deaf(stage: Stage, node: str) -> Iterator[None]:
    """Start a machine that no advert reaches, and go on when its keepalived runs."""
    stage.mark(f"{node} started, no advert reaches it")
    command = "systemctl is-active --quiet keepalived && echo runs"
    with adverts_dropped(stage.stack.netns, stage.plan.nodes[node], stage.links):
        stage.stack.start(node)
        wait_until(
            lambda: "runs" in stage.stack.exec(node, command, check=False),
            what=f"keepalived to run on {node}",
            timeout_s=BOOT_S,
            every_s=2,
        )
        yield
    stage.mark("adverts arrive")


def source_power_cut(stage: Stage) -> None:
    """The replica is promoted, and nothing comes back with the ex-source."""
    # Who is found off need not be powered off.
    stage.may_fence = {stage.active}
    cut_the_active_one(stage, stage.wait_until_all_at)


def replica_power_cut(stage: Stage) -> None:
    """The source goes on alone, and `status` says so."""
    active = stage.active
    stage.gather(active)
    dead = stage.other(active)
    stage.may_fence = {dead}
    stage.mark(f"power of {dead} cut")
    with power_cut(stage.stack, dead):
        stage.writes_go_on()
        stage.wait_for_problem("acknowledges writes without a replica", timeout_s=NAMED_S)
    stage.mark(f"{dead} started again")
    stage.wait_until_steady()
    stage.expect_with(active)


def sequential_failure(stage: Stage) -> None:
    """The replica goes down, writes go on, the source goes down, the replica alone is started."""
    newer = stage.active
    stage.gather(newer)
    stale = stage.other(newer)
    stage.may_fence = {stale}
    with stale_alone(stage, stale):
        stage.wait_for_problem(f"{stale} stays passive", timeout_s=BOOT_S)
        last(2 * stage.subject.dead_s)
        stage.expect_nobody_took_over(newer)
        seen = [sample for sample in stage.watches[stale].samples() if sample.writable]
        stage.expect(not seen, f"{stale} could be written to")


def reboot(stage: Stage, *, source: bool) -> None:
    """A machine reboots in an orderly way: nobody is powered off, and a source hands over."""
    active = stage.active
    stage.gather(active)
    node = active if source else stage.other(active)
    with stage.rebooted(node):
        stage.writes_go_on()
    stage.mark(f"{node} is back")
    stage.wait_until_steady()
    stage.expect_nobody_asked_off()
    if source:
        stage.expect_all_at(stage.other(active))
    else:
        stage.expect_with(active)


def kill_mysqld(stage: Stage, *, source: bool) -> None:
    """SIGKILL; systemd starts it again, on the same node, and nothing moves."""
    active = stage.active
    stage.gather(active)
    node = active if source else stage.other(active)
    stage.mark(f"mysqld killed on {node}")
    killed(stage.stack, node, "mysqld")
    stage.writes_go_on()
    stage.wait_until_steady()
    stage.expect_nobody_asked_off()
    stage.expect_with(active)
    stage.expect_at(stage.group, active)


def freeze_replica(stage: Stage, *, holds_others: bool = False) -> None:
    """Writes wait for it until it is powered off; the source stays, and gets what the replica's
    machine had of other managers."""
    if holds_others:
        stage.spread()
    else:
        stage.gather(stage.active)
    active = stage.active
    replica = stage.other(active)
    stage.must_fence = {replica}
    stage.mark(f"{replica} frozen")
    with frozen(stage.stack, replica):
        stage.wait_until_off(replica)
        stage.writes_go_on()
        stage.expect_all_at(active)
    stage.expect_with(active)
    stage.wait_until_steady_again()


def errant(stage: Stage) -> None:
    """A transaction by hand on the ex-source: quarantined, explained, rebuilt by one command."""
    stack, ex_source = stage.stack, stage.active
    left = stage.other(ex_source)
    stage.switch(left)
    stage.wait_until_at(stage.group, left)
    stage.wait_until_steady()
    stage.mark(f"a transaction by hand on {ex_source}")
    gtid = stage.plan.nodes[ex_source].gtid
    assert gtid is not None
    table = f"{gtid.mysql.database}.{BY_HAND}"
    # read_only stays: it keeps everybody out but root.
    by_hand = f"SET GLOBAL super_read_only = OFF; CREATE TABLE {table} (id INT PRIMARY KEY);"
    _sql(stage, ex_source, f"{by_hand} SET GLOBAL super_read_only = ON")
    said = stage.wait_for_problem(f"{ex_source} is quarantined", timeout_s=NAMED_S)
    command = f"pairwise replication rebuild {stack.name} {ex_source}"
    stage.expect(command in said, f"`status` does not name {command!r}: {said}")
    stage.writes_go_on()
    stage.mark(f"rebuild of {ex_source}")
    stack.pairwise("replication", "rebuild", stack.name, ex_source)
    stack.wait_until_steady(timeout_s=STEADY_S)
    found = _sql(stage, ex_source, f"SHOW TABLES FROM {gtid.mysql.database} LIKE '{BY_HAND}'")
    stage.expect(not found.strip(), f"{ex_source} still has {BY_HAND}")
    stage.expect_at(stage.group, left)
    stack.pairwise("replication", "check", stack.name)


def _sql(stage: Stage, node: str, statements: str) -> str:
    return stage.stack.exec(node, f"{CLIENT} -e {shlex.quote(statements)}")


DRILLS = (
    Drill(
        name="sequence",
        sentence="The active machine is shut down and comes back deaf, there and back: it stays.",
        run=partial(sequence, turns=2),
        seconds=600,
        kinds=GTID,
    ),
    Drill(
        name="sequence-there",
        sentence="First half of `sequence`: the active machine comes back deaf, and is replica.",
        run=partial(sequence, turns=1),
        seconds=300,
        kinds=GTID,
    ),
    Drill(
        name="source-power-cut",
        sentence="The source loses its power: its replica takes over, and nothing is lost.",
        run=source_power_cut,
        seconds=240,
        kinds=GTID,
        fencing=POWERED_OFF,
    ),
    Drill(
        name="replica-power-cut",
        sentence="The replica loses its power: the source goes on alone, and follows up later.",
        run=replica_power_cut,
        seconds=240,
        kinds=GTID,
        reads_stall_s=READS_S,
        fencing=POWERED_OFF,
    ),
    Drill(
        name="sequential-failure",
        sentence="Both nodes die in turn, the stale one is started first: it stays passive.",
        run=sequential_failure,
        seconds=480,
        kinds=GTID,
        fencing=POWERED_OFF,
    ),
    Drill(
        name="source-reboot",
        sentence="The source's machine reboots: it hands over, and nobody is powered off.",
        run=partial(reboot, source=True),
        seconds=240,
        kinds=GTID,
    ),
    Drill(
        name="replica-reboot",
        sentence="The replica's machine reboots: nothing moves, and nobody is powered off.",
        run=partial(reboot, source=False),
        seconds=240,
        kinds=GTID,
    ),
    Drill(
        name="source-mysqld-killed",
        sentence="The source's mysqld is killed: it comes back as the source, with its VIPs.",
        run=partial(kill_mysqld, source=True),
        seconds=120,
        kinds=GTID,
    ),
    Drill(
        name="replica-mysqld-killed",
        sentence="The replica's mysqld is killed: writes wait until it is back, nothing moves.",
        run=partial(kill_mysqld, source=False),
        seconds=120,
        kinds=GTID,
        reads_stall_s=READS_S,
    ),
    Drill(
        name="freeze-replica",
        sentence="The replica stands still: it is powered off, and the source goes on alone.",
        run=freeze_replica,
        seconds=240,
        kinds=GTID,
        reads_stall_s=READS_S,
        fencing=POWERED_OFF,
    ),
    Drill(
        name="freeze-replica-busy",
        sentence="The replica stands still, which has NFS: it is powered off, and NFS moves.",
        run=partial(freeze_replica, holds_others=True),
        seconds=300,
        kinds=GTID,
        least_groups=2,
        reads_stall_s=READS_S,
        fencing=POWERED_OFF,
    ),
    Drill(
        name="errant",
        sentence="A transaction by hand on the ex-source: quarantined, named, rebuilt by command.",
        run=errant,
        seconds=240,
        kinds=GTID,
    ),
)
