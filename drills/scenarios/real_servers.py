"""Directors: a real server that stops, answers wrongly or loses its power leaves both tables, and
comes back when it answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial

from drills.drill import HEARTBEAT, VRRP, Drill, page_of
from drills.faults import power_cut
from drills.faults_inside import NGINX, PHP, service_stopped
from drills.running import LiveStack
from drills.stage import Stage
from drills.wait import wait_until
from stacks.model import Role
from stacks.plan_lvs_types import DirectorPlan, RealServer, ServicePlan

LATE_S = 3.0
"""A watcher looks once a second, and a busy machine tells it late."""
BACK_S = 300
"""A machine boots, and serves its page."""
QUIET_S = 10
"""For which nobody may be sent to a server that has left the tables."""
Fault = Callable[[LiveStack, str], AbstractContextManager[None]]


def real_server(stage: Stage, *, fault: Fault) -> None:
    """Document 001: out of the tables within interval and timeout, and back."""
    service, server = _last(stage)
    stage.mark(f"{server.node} stops answering")
    begun = stage.marks[-1].at
    with fault(stage.stack, server.node):
        limit_s = service.probe.every_s + service.probe.timeout_s + LATE_S
        wait_in_tables(stage, service, server, there=False, timeout_s=limit_s)
        stage.mark(f"{server.node} is out of both tables")
        out = stage.marks[-1].at
        assert stage.reads is not None
        stage.reads.wait_for_more(round(QUIET_S / 0.2), timeout_s=5 * QUIET_S)
        asked = [read for read in stage.reads.history() if read.invoked > out and read.ended]
        wrong = [read for read in asked if read.outcome != "ok" or read.server == server.node]
        stage.expect(
            not wrong, f"{len(wrong)} of {len(asked)} pages failed after it was out: {wrong[:1]}"
        )
        stage.say(f"out after {out - begun:.1f} s, then {len(asked)} pages from the others")
    stage.mark(f"{server.node} answers again")
    wait_in_tables(stage, service, server, there=True, timeout_s=BACK_S)
    stage.mark(f"{server.node} is back in both tables")
    wait_until(
        lambda: (
            any(r.server == server.node for r in stage.reads.history()[-20:])
            if stage.reads
            else False
        ),
        what=f"a page of {server.node}",
        timeout_s=30,
    )
    stage.expect_nothing_moved()


def _last(stage: Stage) -> tuple[ServicePlan, RealServer]:
    """A service, and one of its real servers: not the first one, from which rows are written."""
    director = stage.plan.nodes[stage.nodes[0]].director
    assert isinstance(director, DirectorPlan)
    service = next(s for s in director.services if s.has_page)
    return service, service.servers[-1]


def wait_in_tables(
    stage: Stage, service: ServicePlan, server: RealServer, *, there: bool, timeout_s: float
) -> None:
    """Wait until both directors' tables have, or have not, a server that gets connections."""
    key, name = f"{service.vip}:{service.port}", f"{server.address}:{server.port}"

    def agreed() -> bool:
        last = [stage.watches[node].last for node in stage.nodes]
        return all((sample.services.get(key, {}).get(name, 0) > 0) == there for sample in last)

    what = f"{server.node} to be {'in' if there else 'out of'} both tables"
    wait_until(agreed, what=what, timeout_s=timeout_s)


@contextmanager
def nginx_stopped(stack: LiveStack, node: str) -> Iterator[None]:
    """Nobody listens any more."""
    with service_stopped(stack, node, NGINX):
        yield


@contextmanager
def wrong_answer(stack: LiveStack, node: str) -> Iterator[None]:
    """It listens, and its page is not what the directors expect."""
    roles = stack.plan.nodes[node].roles
    assert Role.WEB in roles, f"{node} is {roles}"
    with service_stopped(stack, node, PHP):
        yield


DRILLS = (
    Drill(
        name="real-server-stopped",
        sentence="A real server's nginx stops: it leaves both tables, and comes back.",
        run=partial(real_server, fault=nginx_stopped),
        seconds=120,
        only=page_of,
        kinds=HEARTBEAT | VRRP,
        least_groups=0,
    ),
    Drill(
        name="real-server-wrong",
        sentence="A real server answers wrongly: it leaves both tables, and comes back.",
        run=partial(real_server, fault=wrong_answer),
        seconds=120,
        only=page_of,
        kinds=HEARTBEAT | VRRP,
        least_groups=0,
    ),
    Drill(
        name="real-server-power-cut",
        sentence="A real server loses its power: it leaves both tables, and comes back.",
        run=partial(real_server, fault=power_cut),
        seconds=240,
        only=page_of,
        kinds=HEARTBEAT | VRRP,
        least_groups=0,
    ),
)
