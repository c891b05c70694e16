"""MySQL Router in front of a node's HAProxy, where ``split.kind`` is ``router``.

Router decides by statement, HAProxy by server: Router's metadata name HAProxy's ports and never
change, so that nothing has to be written anywhere when a source moves, a replica lags or a machine
is frozen. Block mysql has the metadata in the servers.

Refs: https://dev.mysql.com/doc/mysql-router/9.7/en/ (routing, metadata_cache), docs/decisions/
rw-split.md.
"""

from __future__ import annotations

from bootstrap.checks import Check, is_active, is_enabled, listens
from bootstrap.managed import ManagedFile, Reload, Unit, listening, place_of
from bootstrap.render import render
from bootstrap.shared import pairs
from bootstrap.shared.systemd import check_unit
from stacks.capacity import PHP_PROCESSES
from stacks.plan_gtid_types import RouterPlan, SplitPlan

UNIT = "pairwise-router.service"
UNIT_FILE = f"/etc/systemd/system/{UNIT}"
CONFIG = "/etc/pairwise/router.conf"
PASSWORD = "/etc/pairwise/router-password"
START = f"{pairs.SCRIPTS}/router-start"
FOLDER = "pairwise-router"
RUN, STATE = f"/run/{FOLDER}", f"/var/lib/{FOLDER}"
IDLE = PHP_PROCESSES
"""Connections to servers that wait for the next statement of any session."""
TTL_S = 5
"""From one question for the metadata to the next, each of which is a login: an emulated machine
needs a tenth of a second for it."""
LOOK_S = 10
"""For each answer to that question. HAProxy ends the sessions of a server that is gone after 8 s at
most, and what Router knows holds meanwhile. With 1 s its port was closed on a busy hypervisor."""
WAIT_S = 30
"""For the replica to get a session's own writes. One that is two seconds late is read from no more
after three, and has lost its sessions after five more: this is never reached."""
CONNECTIONS = 4 * PHP_PROCESSES
"""Of applications; each process of php-fpm has one."""
MEMORY_MIB = 128
"""It had 35 MiB with 40 sessions."""


def files(split: SplitPlan, router: RouterPlan, *, stack: str) -> tuple[ManagedFile, ...]:
    """Every file of it, in the order in which they are written."""

    def text(template: str) -> str:
        return render(
            f"blocks/rw_split/templates/{template}.j2",
            stack=stack,
            split=split,
            router=router,
            certificate=pairs.MYSQL_CERTIFICATE,
            cluster=pairs.ROUTER_CLUSTER,
            config=CONFIG,
            password_file=PASSWORD,
            program=START,
            folder=FOLDER,
            run=RUN,
            state=STATE,
            idle=IDLE,
            ttl_s=TTL_S,
            look_s=LOOK_S,
            wait_s=WAIT_S,
            connections=CONNECTIONS,
            memory_mib=MEMORY_MIB,
        )

    return (
        ManagedFile(
            path=PASSWORD,
            content=f"# Managed by pairwise (stacks/{stack}).\n{place_of(router.password)}\n",
            mode=0o600,
            secrets=(router.password,),
        ),
        ManagedFile(path=CONFIG, content=text("router.conf")),
        ManagedFile(path=START, content=text("router-start"), mode=0o755, check="sh -n %s"),
        ManagedFile(path=UNIT_FILE, content=text("router.service"), check=check_unit(UNIT)),
    )


def unit(split: SplitPlan, router: RouterPlan) -> Unit:
    """Started again for whatever changes: sessions connect anew."""
    return Unit(
        name=UNIT,
        reload=Reload.RESTART,
        files=(PASSWORD, CONFIG, START, UNIT_FILE),
        ready=listening(f"{split.address}:{router.port}"),
    )


def checks(block: str, split: SplitPlan, router: RouterPlan) -> tuple[Check, ...]:
    """What ``pairwise verify`` tries."""
    return (
        is_active(block, UNIT),
        is_enabled(block, UNIT),
        listens(block, address=str(split.address), port=router.port),
    )
