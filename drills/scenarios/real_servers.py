"""Directors: a real server that stops, answers wrongly or loses its power leaves both tables, and
comes back when it answers; where none answers, the fallback does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial

from drills.drill import HEARTBEAT, VRRP, Drill, page_of
from drills.faults import power_cut
from drills.faults_inside import NGINX, PHP, service_stopped
from drills.running import LiveStack
from drills.stage import Stage
from drills.wait import wait_until
from stacks.model import Role
from stacks.plan_lvs_types import RealServer, ServicePlan
from stacks.plan_types import Plan

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
        others = {other.node for other in service.servers} - {server.node}
        asked = _expect_pages_of(stage, others, since=out)
        stage.say(f"out after {out - begun:.1f} s, then {asked} pages from the others")
    stage.mark(f"{server.node} answers again")
    wait_in_tables(stage, service, server, there=True, timeout_s=BACK_S)
    stage.mark(f"{server.node} is back in both tables")
    _wait_for_page_of(stage, server.node)
    stage.expect_nothing_moved()


def fallback(stage: Stage) -> None:
    """Document 001's wider picture: while no real server answers, another node has a page."""
    service = _pages(stage.plan, stage.pair)
    spare = service.fallback
    assert spare is not None
    limit_s = service.probe.every_s + service.probe.timeout_s + LATE_S
    names = ", ".join(server.node for server in service.servers)
    with ExitStack() as stopped:
        for server in service.servers:
            stopped.enter_context(nginx_stopped(stage.stack, server.node))
        stage.mark(f"{names} answer no more")
        begun = stage.marks[-1].at
        for server in service.servers:
            wait_in_tables(stage, service, server, there=False, timeout_s=limit_s)
        wait_in_tables(stage, service, spare, there=True, timeout_s=limit_s)
        stage.mark(f"{spare.node} stands in")
        instead = stage.marks[-1].at
        asked = _expect_pages_of(stage, {spare.node}, since=instead)
        stage.say(f"stands in after {instead - begun:.1f} s, then {asked} pages from {spare.node}")
    stage.mark(f"{names} answer again")
    for server in service.servers:
        wait_in_tables(stage, service, server, there=True, timeout_s=BACK_S)
    wait_in_tables(stage, service, spare, there=False, timeout_s=limit_s)
    stage.mark(f"{spare.node} is out of both tables")
    _expect_pages_of(stage, {server.node for server in service.servers}, since=stage.marks[-1].at)
    stage.expect_nothing_moved()


def _expect_pages_of(stage: Stage, nodes: set[str], *, since: float) -> int:
    """From a moment on clients get pages, for a while, and from these nodes alone.

    Returns:
        How many pages were asked for.
    """
    assert stage.reads is not None
    stage.reads.wait_for_more(round(QUIET_S / 0.2), timeout_s=5 * QUIET_S)
    asked = [read for read in stage.reads.history() if read.invoked > since and read.ended]
    wrong = [read for read in asked if read.outcome != "ok" or read.server not in nodes]
    stage.expect(
        not wrong,
        f"{len(wrong)} of {len(asked)} pages did not come from {', '.join(sorted(nodes))}:"
        f" {wrong[:1]}",
    )
    return len(asked)


def _wait_for_page_of(stage: Stage, node: str) -> None:
    """Wait until a node's page was among the last ones."""

    def seen() -> bool:
        assert stage.reads is not None
        return any(read.server == node for read in stage.reads.history()[-20:])

    wait_until(seen, what=f"a page of {node}", timeout_s=30)


def _last(stage: Stage) -> tuple[ServicePlan, RealServer]:
    """A service, and one of its real servers: not the first one, from which rows are written."""
    service = _pages(stage.plan, stage.pair)
    return service, service.servers[-1]


def _has_others(plan: Plan, pair: str) -> bool:
    """Whether one real server of the pages may leave, and others go on."""
    return bool(page_of(plan, pair)) and len(_pages(plan, pair).servers) > 1


def _has_fallback(plan: Plan, pair: str) -> bool:
    """Whether a node has a page for when no real server has."""
    return bool(page_of(plan, pair)) and _pages(plan, pair).fallback is not None


def _pages(plan: Plan, pair: str) -> ServicePlan:
    """The first service that has pages: what a drill reads."""
    director = plan.deploys[pair].first.director
    assert director is not None
    return next(service for service in director.services if service.has_page)


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
        only=_has_others,
        kinds=HEARTBEAT | VRRP,
        least_groups=0,
    ),
    Drill(
        name="real-server-wrong",
        sentence="A real server answers wrongly: it leaves both tables, and comes back.",
        run=partial(real_server, fault=wrong_answer),
        seconds=120,
        only=_has_others,
        kinds=HEARTBEAT | VRRP,
        least_groups=0,
    ),
    Drill(
        name="real-server-power-cut",
        sentence="A real server loses its power: it leaves both tables, and comes back.",
        run=partial(real_server, fault=power_cut),
        seconds=240,
        only=_has_others,
        kinds=HEARTBEAT | VRRP,
        least_groups=0,
    ),
    Drill(
        name="fallback",
        sentence="Every real server stops: the fallback answers until one of them does.",
        run=fallback,
        seconds=150,
        only=_has_fallback,
        kinds=HEARTBEAT | VRRP,
        least_groups=0,
    ),
)
