"""ldirectord looks at the real servers and keeps those that answer in the kernel's table.

Needs: node.director under Heartbeat with a service that has a probe; block lvs before it.
Ensures: ldirectord.cf, ldirectord on both directors all the time: the one that takes the VIP over
    knows already who answers. With notify, the holder of the VIP tells who leaves and comes back.
Restart: reload (SIGHUP): what is in the table stays, changed services are looked at anew.
Pair order: any.
Verify: process, its own word that it runs with this configuration.
Fails when: a probe's text is no regular expression of Perl: it is quoted, so it cannot be.
Refs: ldirectord(8), document 001.

Kept from the document: checks by http with an expected text, checkinterval and timeouts, gate.

Replaced knowingly: started by haresources -> always, on both nodes. One loop over all services ->
a process for each (fork): sixteen services with a dead server each are still looked at in time.
quiescent yes -> the description's, no by default: a client of a dead server connects anew.
cleanstop yes -> no: a restart keeps the table. Log file -> the journal. The shipped unit forks and
kills nothing (KillMode=none) -> a unit of ours, which ends all of it.
"""

from __future__ import annotations

import re

from bootstrap.checks import Check, is_active, is_enabled
from bootstrap.managed import ManagedFile, Manifest, Reload, Unit
from bootstrap.render import render
from bootstrap.shared import lvs, notify, pairs
from bootstrap.shared.systemd import check_unit
from stacks.plan_types import DeployPlan, NodePlan

NAME = "ldirectord"
UNIT = "ldirectord.service"
CONFIG = "/etc/ha.d/ldirectord.cf"
UNIT_PATH = f"/etc/systemd/system/{UNIT}"
TELL = f"{pairs.SCRIPTS}/ldirectord-tell"
TELL_UNIT = "pairwise-ldirectord-tell.service"
TELL_PATH = f"/etc/systemd/system/{TELL_UNIT}"
_TELLER = Unit(name=TELL_UNIT, reload=Reload.RESTART, files=(TELL, TELL_PATH))
CHECK = (
    # It has no checker: it reads its configuration before it says whether it runs, and ends with 2
    # where it cannot.
    'out=$(ldirectord %s status 2>&1); test $? -ne 2 || { echo "$out"; exit 1; }'
)


def files(node: NodePlan, plan: DeployPlan) -> tuple[ManagedFile, ...]:
    """Every file of the block, in the order in which they are written."""
    director = lvs.director_of(node)
    config = render(
        "blocks/ldirectord/templates/ldirectord.cf.j2",
        stack=plan.stack,
        director=director,
        services=director.probed,
        method=lvs.METHODS[director.forwarding],
        # ldirectord(8): the answer is compared with a regular expression.
        quoted=re.escape,
    )
    unit = render(
        "blocks/ldirectord/templates/ldirectord.service.j2", stack=plan.stack, config=CONFIG
    )
    return (
        ManagedFile(path=CONFIG, content=config, mode=0o600, check=CHECK),
        ManagedFile(path=UNIT_PATH, content=unit, check=check_unit(UNIT)),
        *(_telling(node, plan) if node.notify is not None else ()),
    )


def _telling(node: NodePlan, plan: DeployPlan) -> tuple[ManagedFile, ManagedFile]:
    """ldirectord itself can send mail and nothing else: what it says is followed."""
    values = {
        "stack": plan.stack,
        "node": node,
        "pair": plan.deploy,
        "unit": UNIT,
        "notify": {"program": notify.PROGRAM, "kind": notify.Kind.REAL_SERVER.value},
        "user": notify.USER,
        "script": TELL,
    }
    script = render("blocks/ldirectord/templates/ldirectord-tell.j2", **values)
    unit = render("blocks/ldirectord/templates/ldirectord-tell.service.j2", **values)
    return (
        ManagedFile(path=TELL, content=script, mode=0o755, check="sh -n %s"),
        ManagedFile(path=TELL_PATH, content=unit, check=check_unit(TELL_UNIT)),
    )


def manifest(node: NodePlan, plan: DeployPlan) -> Manifest:
    """All that the block owns on a node."""
    return Manifest(
        block=NAME,
        packages=("ldirectord",),
        files=files(node, plan),
        units=(
            Unit(name=UNIT, reload=Reload.RELOAD, files=(CONFIG,)),
            *((_TELLER,) if node.notify is not None else ()),
        ),
    )


def checks(node: NodePlan, plan: DeployPlan) -> tuple[Check, ...]:
    """What ``pairwise verify`` tries."""
    del plan
    units = (UNIT, TELL_UNIT) if node.notify is not None else (UNIT,)
    return tuple(check(NAME, unit) for unit in units for check in (is_active, is_enabled))
