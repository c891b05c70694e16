"""memcached holds the sessions: one on each web machine, and each holds every session.

Needs: node.web.session_servers; base before it (the firewall lets the other web machines in).
Ensures: memcached on the node's inside address only, no UDP, its memory from the plan.
Restart: only when its file changes, which no reload takes up. It comes back empty: the other web
    machines have every session, and the application copies each one back when it is used. One
    machine after the other, by the tier's order.
Verify: process, address and nothing beside it, an answer. It has no checker of its own for its
    file (it would start); the ready command tries the running one.
Fails when: it does not answer within the unit's patience; journalctl -u memcached says why.
Refs: memcached(1), document 000 and 003.

Replaced from the documents: 11211 on every address -> the inside address, from the other web
machines only: memcached asks nobody for a password. Sessions on one machine -> on all: a machine
that dies takes none with it.
"""

from __future__ import annotations

from bootstrap.checks import Check, is_active, is_enabled, listens, runs_installed_binary
from bootstrap.managed import ManagedFile, Manifest, Reload, Unit
from bootstrap.render import render
from bootstrap.shared.systemd import CHECK_DROP_IN
from stacks.plan_types import DeployPlan, NodePlan
from stacks.plan_web_types import SharedServer, WebPlan

NAME = "memcached"
UNIT = "memcached.service"
CONFIG = "/etc/memcached.conf"
DROP_IN = f"/etc/systemd/system/{UNIT}.d/pairwise.conf"
CONNECTIONS = 1024
"""memcached's own default, for eight PHP processes of each web machine; a number that followed from
the machines would make a further one restart the memcacheds of all others."""
THREADS = 1
"""A thousand requests a second take one a tenth of its time; each further one takes memory."""


def files(node: NodePlan, plan: DeployPlan) -> tuple[ManagedFile, ...]:
    """Every file of the block, in the order in which they are written."""
    web, server = _own(node)
    values = {
        "stack": plan.stack,
        "server": server,
        "memory_mib": web.session_memory_mib,
        "connections": CONNECTIONS,
        "threads": THREADS,
    }

    def text(template: str) -> str:
        return render(f"blocks/memcached/templates/{template}.j2", **values)

    return (
        ManagedFile(path=DROP_IN, content=text("memcached.service.d.conf"), check=CHECK_DROP_IN),
        ManagedFile(path=CONFIG, content=text("memcached.conf")),
    )


def manifest(node: NodePlan, plan: DeployPlan) -> Manifest:
    """All that the block owns on a node."""
    _, server = _own(node)
    return Manifest(
        block=NAME,
        packages=("memcached",),
        files=files(node, plan),
        units=(Unit(name=UNIT, reload=Reload.RESTART, files=(CONFIG,), ready=_answers(server)),),
    )


def checks(node: NodePlan, plan: DeployPlan) -> tuple[Check, ...]:
    """What ``pairwise verify`` tries."""
    _, server = _own(node)
    return (
        is_active(NAME, UNIT),
        is_enabled(NAME, UNIT),
        runs_installed_binary(NAME, unit=UNIT, binary="/usr/bin/memcached"),
        listens(NAME, address=str(server.address), port=server.port),
        Check(
            name=f"{NAME}: it listens nowhere else",
            command=f"! ss -Hltun | awk '{{print $5}}' | grep ':{server.port}$'"
            f" | grep -vx '{server.address}:{server.port}'",
            failure=f"memcached of {node.name} ({plan.deploy}) listens on more than"
            f" {server.address}: `pairwise up` writes {CONFIG} anew.",
        ),
        Check(
            name=f"{NAME}: it answers",
            command=_answers(server),
            failure=f"memcached of {node.name} gives no answer: journalctl -u {UNIT}.",
        ),
    )


def _answers(server: SharedServer) -> str:
    """Shell text: bash's own sockets, for there is no client in the image."""
    talk = (
        f"exec 3<>/dev/tcp/{server.address}/{server.port} && printf 'version\\r\\n' >&3 && "
        "IFS= read -r -t 5 line <&3 && [[ $line == VERSION* ]]"
    )
    return f'bash -c "{talk.replace("$", chr(92) + "$")}" 2>/dev/null'


def _own(node: NodePlan) -> tuple[WebPlan, SharedServer]:
    if node.web is None:
        raise ValueError(f"Node {node.name} has role web and no web server in its plan.")
    return node.web, next(s for s in node.web.session_servers if s.node == node.name)
