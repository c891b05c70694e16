"""A node's own splitter on 127.0.0.1: HAProxy by port, and MySQL Router before it by statement.

Needs: node.split; base before it. The other half is on the pair's nodes: block rw_split_agent.
Ensures: haproxy.cfg; a program that says what it does with each server, for ``pairwise status``;
    haproxy enabled, and started again whatever ends it; with ``kind: router`` Router, too
    (router.py), whose account is the application's.
Restart: HAProxy never: a reload lets sessions go on with the old process. Router has no reload.
Order: any.
Verify: processes, ports, haproxy -c. Checker: ``haproxy -c``; Router has none.
Fails when: haproxy refuses the file; the old one stays.
Refs: document 003, docs/decisions/rw-split.md, https://docs.haproxy.org/3.0/configuration.html.

Which server is asked is decided by what the agents say, and by nothing else: ``/source`` for
writes, ``/replica`` for reads, which go to the source while no replica is fit. A replica that lags
gets no new sessions (404), then loses those it has (503). Sessions of a source that is one no more
end at once, so that their applications connect to the new one.

For half a second after HAProxy has started it takes every server for both: it has no first answer
yet (``init-state`` comes with 3.1). A write that meets a replica then is refused by it.

Replaced from document 003: Atlas -> HAProxy, which is maintained, and leaves TLS and passwords to
the two ends. A script in cron that takes the replica out -> an agent on each of the pair's nodes.
"""

from __future__ import annotations

from pathlib import Path

from bootstrap.blocks.rw_split import backends, router
from bootstrap.checks import Check, is_active, is_enabled, listens, runs_installed_binary
from bootstrap.managed import ManagedFile, Manifest, Reload, Unit
from bootstrap.render import render
from bootstrap.shared import pairs, programs
from bootstrap.shared.systemd import CHECK_DROP_IN
from stacks.capacity import PHP_PROCESSES
from stacks.plan_gtid_types import SplitPlan
from stacks.plan_types import DeployPlan, NodePlan

NAME = "rw_split"
UNIT = "haproxy.service"
CONFIG = "/etc/haproxy/haproxy.cfg"
DROP_IN = f"/etc/systemd/system/{UNIT}.d/pairwise.conf"
SOCKET = backends.SOCKET
PROGRAM = Path(str(backends.__file__))
CHECK_CONFIG = 'out=$(/usr/sbin/haproxy -c -q -f %s 2>&1) || { echo "$out"; exit 1; }'
SPARE_CONNECTIONS = 16
"""For a person, and for sessions that are ending."""
INTER_MS, FAST_MS, ANSWER_MS = 500, 200, 1000
"""Between two questions to an agent; the same once an answer was another one; for an answer, which
takes milliseconds, more under emulation. A frozen machine: 500 + 1000 + 200 + 1000 at most."""


def files(node: NodePlan, plan: DeployPlan) -> tuple[ManagedFile, ...]:
    """Every file of the block, in the order in which they are written."""
    split = _own(node)

    def text(template: str) -> str:
        return render(
            f"blocks/rw_split/templates/{template}.j2",
            stack=plan.stack,
            split=split,
            socket=SOCKET,
            connections=connections(split),
            inter_ms=INTER_MS,
            fast_ms=FAST_MS,
            answer_ms=ANSWER_MS,
        )

    return (
        programs.one_file(pairs.SPLIT_BACKENDS, PROGRAM, stack=plan.stack),
        ManagedFile(path=DROP_IN, content=text("haproxy.service.d.conf"), check=CHECK_DROP_IN),
        ManagedFile(path=CONFIG, content=text("haproxy.cfg"), check=CHECK_CONFIG),
        *(() if split.router is None else router.files(split, split.router, stack=plan.stack)),
    )


def connections(split: SplitPlan) -> int:
    """HAProxy's limit: each process of the application has one for writes and one for reads, and
    Router keeps some for the next one."""
    kept = 0 if split.router is None else 2 * router.IDLE
    return 2 * PHP_PROCESSES + kept + SPARE_CONNECTIONS


def manifest(node: NodePlan, plan: DeployPlan) -> Manifest:
    """All that the block owns on a node."""
    split = _own(node)
    haproxy = Unit(name=UNIT, reload=Reload.RELOAD, files=(CONFIG,), ready=f"test -S {SOCKET}")
    has_router = split.router is not None
    return Manifest(
        block=NAME,
        packages=("haproxy", "python3", *(("mysql-router", "openssl") if has_router else ())),
        files=files(node, plan),
        units=(haproxy, *(() if split.router is None else (router.unit(split, split.router),))),
    )


def checks(node: NodePlan, plan: DeployPlan) -> tuple[Check, ...]:
    """What ``pairwise verify`` tries."""
    split = _own(node)
    return (
        is_active(NAME, UNIT),
        is_enabled(NAME, UNIT),
        runs_installed_binary(NAME, unit=UNIT, binary="/usr/sbin/haproxy"),
        *(
            listens(NAME, address=str(split.address), port=port)
            for port in (split.write_port, split.read_port)
        ),
        *(() if split.router is None else router.checks(NAME, split, split.router)),
        Check(
            name=f"{NAME}: haproxy accepts its configuration",
            command=f"/usr/sbin/haproxy -c -q -f {CONFIG}",
            failure=f"haproxy refuses {CONFIG}: `pairwise up {plan.stack}` writes it anew.",
        ),
        Check(
            name=f"{NAME}: it knows a source",
            command=f"python3 {pairs.SPLIT_BACKENDS}",
            expect='"role": "source"',
            failure=f"The splitter of {node.name} has nobody to write to: `pairwise status"
            f" {plan.stack}` shows who is source, journalctl -u {UNIT} who it takes for one.",
        ),
    )


def _own(node: NodePlan) -> SplitPlan:
    if node.split is None:
        raise ValueError(f"Node {node.name} has no splitter in its plan.")
    return node.split
