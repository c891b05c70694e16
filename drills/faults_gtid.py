"""Safety of a GTID pair that is taken away within its nodes, for controls, and given back."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager

from bootstrap.facts.mysql import CLIENT
from drills.running import LiveStack
from stacks.plan_gtid_types import SEMISYNC_MS

KEEPALIVED = "/etc/keepalived/keepalived.conf"
"""Block keepalived's own."""
AS_IT_WAS = ".pairwise-drill"
"""After the name of a file that a drill has changed: what it was."""
DESCRIBED = f"{KEEPALIVED}{AS_IT_WAS}"
UNASKED = (
    "/^track_file role {/,/^}/d",
    "/^    track_file {/,/^    }/d",
    "/^vrrp_script reconciler {/,/^}/d",
    "/^        reconciler$/d",
    "/vrrp_startup_delay/d",
)
"""What sed does to keepalived's file so that it asks no reconciler, and waits for nobody."""
RULES = "/usr/local/lib/pairwise/gtid/bootstrap/blocks/gtid_pair/program/reconcile.py"
"""Block gtid_pair's own: what a reconciler may do."""
HASTY = "_open = lambda own: None"
"""Python that takes one rule away: a node is opened whatever it has received and not applied."""


@contextmanager
def semisync_gives_up(stack: LiveStack, node: str, *, after_ms: int) -> Iterator[None]:
    """Have a source acknowledge alone after a while, as MySQL does when nobody says otherwise.

    It ends with its server, too, which reads its own file again.
    """
    stack.exec(node, semisync(after_ms))
    try:
        yield
    finally:
        stack.exec(node, semisync(SEMISYNC_MS), check=False)


def semisync(timeout_ms: int) -> str:
    """Shell text that sets how long a source waits for its replica, in milliseconds."""
    return f"{CLIENT} -e 'SET GLOBAL rpl_semi_sync_source_timeout = {timeout_ms}'"


@contextmanager
def reconciler_unasked(stack: LiveStack, node: str) -> Iterator[None]:
    """Have a node's keepalived, from its next start on, take part at once and ask nobody whether it
    may hold its VIPs."""
    script = "; ".join(UNASKED)
    stack.exec(node, f"cp -p {KEEPALIVED} {DESCRIBED} && sed -i '{script}' {KEEPALIVED}")
    try:
        yield
    finally:
        stack.exec(node, asked_again(), check=False)


def asked_again() -> str:
    """Shell text that gives keepalived its own file back, where it has another one."""
    back = f"mv {DESCRIBED} {KEEPALIVED}; systemctl try-reload-or-restart keepalived"
    return f"if [ -e {DESCRIBED} ]; then {back}; fi"


@contextmanager
def reconciler_hasty(stack: LiveStack, node: str) -> Iterator[None]:
    """Have a node's reconciler promote its server without waiting for the applier."""
    plant = f"cp -p {RULES} {RULES}{AS_IT_WAS} && printf '\\n%s\\n' {shlex.quote(HASTY)} >>{RULES}"
    stack.exec(node, f"{plant} && systemctl restart pairwise-gtid.service")
    try:
        yield
    finally:
        stack.exec(node, patient_again(), check=False)


def patient_again() -> str:
    """Shell text that gives the reconciler its own rules back, where it has others."""
    back = f"mv {RULES}{AS_IT_WAS} {RULES}; systemctl try-restart pairwise-gtid.service"
    return f"if [ -e {RULES}{AS_IT_WAS} ]; then {back}; fi"
