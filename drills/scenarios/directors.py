"""Directors before MySQL servers: document 004's own test, and sessions that outlive a director."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import IO, Any

from drills.drill import HEARTBEAT, VRRP, Drill
from drills.faults import power_cut
from drills.faults_inside import service_stopped
from drills.observe import run_inside
from drills.ports import LOGINS_S, Place, has_ports, log_in, places, server_ids
from drills.stage import Stage
from drills.subject import Kind
from drills.wait import wait_until
from stacks.model import VrrpMode
from stacks.plan_types import Plan

KNOWN_S = 60
"""A director is told anew of a connection that is used after ten seconds."""
Told = dict[str, dict[str, Any]]


def director_reboot(stage: Stage) -> None:
    """Log in at every port of the VIP, reboot the active director, log in at every port again."""
    _expect_logins(stage)
    active = stage.active
    left = stage.other(active)
    with stage.rebooted(active):
        stage.wait_until_at(stage.group, left)
        stage.mark(f"{left} has the VIP")
        _expect_logins(stage)
    stage.wait_until_steady()
    stage.expect_at(stage.group, left)
    stage.expect_nobody_asked_off()
    _expect_logins(stage)


def director_power_cut(stage: Stage) -> None:
    """A session at every port, before and after its director loses its power and comes back."""
    dead = stage.active
    left = stage.other(dead)
    if stage.subject.fence is not None:
        stage.must_fence = {dead}
    with _Sessions.opened(stage) as sessions:
        # The kernel tells of new connections every two seconds: younger ones die with a director.
        sessions.expect_known_to(left)
        stage.mark(f"power of {dead} cut")
        with power_cut(stage.stack, dead):
            stage.wait_until_at(stage.group, left)
            stage.mark(f"{left} has the VIP")
            sessions.expect_the_same()
            assert stage.reads is not None
            stage.reads.wait_for_more(10, timeout_s=LOGINS_S)
        stage.mark(f"{dead} started again")
        stage.wait_until_steady()
        stage.expect_at(stage.group, left)
        _expect_logins(stage)
        # The one that has booted is told of those that are used, and of no others.
        sessions.expect_the_same()
        sessions.expect_known_to(dead)
        with _moved(stage, left, dead):
            stage.mark(f"{dead} has the VIP again")
            sessions.expect_the_same()


@contextmanager
def _moved(stage: Stage, source: str, target: str) -> Iterator[None]:
    """Have the other director hold the VIP; `switchover` moves none that keepalived has, so that
    one is stopped."""
    with ExitStack() as stopped:
        if stage.subject.kind is Kind.VRRP:
            stopped.enter_context(service_stopped(stage.stack, source, "keepalived"))
            stage.wait_until_at(stage.group, target)
        else:
            stage.switch(target)
        yield


class _Sessions:
    """A session at each port, opened once."""

    def __init__(self, stage: Stage, where: list[Place], asks: IO[str], answers: IO[str]) -> None:
        self._stage, self._places, self._asks, self._answers = stage, where, asks, answers
        self._say(json.dumps(where))
        self._first = self._ask()

    @classmethod
    @contextmanager
    def opened(cls, stage: Stage) -> Iterator[_Sessions]:
        """As long as the block lasts."""
        command = run_inside(stage.stack.netns, "drills.workloads.kept_logins")
        where = places(stage.stack, stage.plan, stage.pair)
        pipe = subprocess.PIPE
        with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
            assert process.stdin is not None and process.stdout is not None
            sessions = cls(stage, where, process.stdin, process.stdout)
            stage.say(f"opened sessions at {', '.join(sorted(sessions._first))}")
            yield sessions

    def expect_the_same(self) -> None:
        """Each of them answers, and is the session that it was.

        Raises:
            DrillFailedError: one is not.
        """
        told = self._ask()
        for name, first in self._first.items():
            self._stage.expect(
                "error" not in first and told[name] == first,
                f"the session at {name} was {first}, and says {told[name]}",
            )

    def expect_known_to(self, director: str) -> None:
        """A director knows an established connection to each port.

        Raises:
            DrillFailedError: it does not, after they were used for a while.
        """

        def known() -> bool:
            self.expect_the_same()
            lines = self._stage.stack.exec(director, "ipvsadm -Lnc").splitlines()
            known_at = {line.split()[4] for line in lines if " ESTABLISHED " in line}
            return known_at >= {f"{place['host']}:{place['port']}" for place in self._places}

        what = f"{director} to know all sessions"
        wait_until(known, what=what, timeout_s=KNOWN_S, every_s=5)

    def _ask(self) -> Told:
        self._say("")
        told: Told = json.loads(self._answers.readline())
        return told

    def _say(self, line: str) -> None:
        self._asks.write(f"{line}\n")
        self._asks.flush()


def _expect_logins(stage: Stage) -> None:
    """Each port answers as the server that its service names."""
    told = log_in(stage.stack, places(stage.stack, stage.plan, stage.pair))
    wanted = server_ids(stage.plan, stage.pair)
    for name, allowed in wanted.items():
        said = told.get(name, {})
        stage.expect(
            said.get("server_id") in allowed,
            f"service {name}: {said.get('error') or said}, not one of {sorted(allowed)}",
        )
    stage.say(f"logged in at {', '.join(sorted(wanted))}, with 1 MiB both ways")


def _stays(plan: Plan, pair: str) -> bool:
    """Whether a pair has ports to log in at, and a VIP that has moved stays where it is."""
    keepalived = plan.deploys[pair].first.keepalived
    return has_ports(plan, pair) and (keepalived is None or keepalived.mode is VrrpMode.SYNC)


DRILLS = (
    Drill(
        name="director-reboot",
        sentence="The active director reboots: its peer answers at every port of MySQL.",
        run=director_reboot,
        seconds=240,
        least_groups=0,
        only=_stays,
        kinds=HEARTBEAT | VRRP,
    ),
    Drill(
        name="director-power-cut",
        sentence="The active director loses its power: sessions go on through its peer, and back.",
        run=director_power_cut,
        seconds=240,
        least_groups=0,
        only=_stays,
        kinds=HEARTBEAT | VRRP,
    ),
)
