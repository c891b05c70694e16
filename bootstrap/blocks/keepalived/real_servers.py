"""How keepalived looks at the real servers of a pair's virtual services."""

from __future__ import annotations

import string

from bootstrap.managed import ManagedFile
from bootstrap.render import render
from bootstrap.shared import lvs, notify, pairs
from stacks.plan_lvs_types import Checker, DirectorPlan, RealServer, ServicePlan
from stacks.plan_types import DeployPlan, NodePlan

TELL = f"{pairs.SCRIPTS}/real-server-tell"
HOOKS = (("notify_up", "in", "is in"), ("notify_down", "out", "is out of"))
"""keepalived.conf(5): hook of a real server, state and words of the message."""
PLAIN = frozenset(string.ascii_letters + string.digits + " _-/:=,;<>@%&~")
"""Characters that mean themselves in a regular expression and in a string of keepalived.conf(5)."""


def director_of(node: NodePlan) -> DirectorPlan | None:
    """The director whose real servers keepalived looks at; none where it has none."""
    director = node.director
    ours = director is not None and director.checker is Checker.KEEPALIVED and director.probed
    return director if ours else None


def files(node: NodePlan, plan: DeployPlan) -> tuple[ManagedFile, ...]:
    """The script that tells who leaves and comes back, where somebody is told."""
    if director_of(node) is None or node.notify is None:
        return ()
    script = render(
        "blocks/keepalived/templates/real-server-tell.j2",
        stack=plan.stack,
        program=notify.PROGRAM,
    )
    return (ManagedFile(path=TELL, content=script, mode=0o755, check="sh -n %s"),)


def text(node: NodePlan, plan: DeployPlan) -> str:
    """The end of keepalived.conf: each virtual service, and what is asked of its real servers."""
    director = director_of(node)
    if director is None:
        return ""

    def told(service: ServicePlan, server: RealServer) -> list[tuple[str, str]]:
        return _told(node, plan, service, server)

    return render(
        "blocks/keepalived/templates/virtual_servers.conf.j2",
        director=director,
        kind=lvs.KINDS[director.forwarding],
        pattern=pattern,
        told=told,
        message_user=notify.USER,
    )


def pattern(text: str) -> str:
    """A regular expression that finds a text; what might mean something else is any character."""
    return "".join(char if char in PLAIN else "." for char in text)


def _told(
    node: NodePlan, plan: DeployPlan, service: ServicePlan, server: RealServer
) -> list[tuple[str, str]]:
    """Hook and call of the notification program, by the holder of the VIP."""
    if node.notify is None:
        return []
    found = []
    for hook, state, words in HOOKS:
        line = notify.command(
            notify.Kind.REAL_SERVER,
            pair=plan.deploy,
            node=node.name,
            vip=str(service.vip),
            state=state,
            text=f"real server {server.address}:{server.port} {words} the service at"
            f" {service.vip}:{service.port}",
            program=TELL,
        )
        found.append((hook, line))
    return found
