"""A node tells about events: one program takes a message, one service per destination delivers it.

Needs: node.notify; base before it, and it before every block that has an event to tell.
Ensures: user ``pairwise-notify``; the program ``notify`` (``bootstrap.shared.notify`` says how it
    is called), which puts a message into a spool and returns; the spool below
    /var/lib/pairwise-notify, a folder per destination; a path unit and a service per destination.
Restart: path units restart, which loses nothing: they look at the folder as it is.
Pair order: any.
Verify: path units, no message older than five minutes, a sendmail where mail is wanted.
    Checkers: checks.py.
Fails when: a destination does not take its messages: they wait, the journal says why, ``verify``
    names it. More than a thousand waiting for one destination: further ones are dropped, aloud.
Refs: systemd.path(5), sendmail(8).

Why a spool: keepalived's notify scripts run while VIPs move, and the network over which a message
would leave may be the one that has failed. So nothing there waits for it; a message that cannot
leave stays on disk, in order, and is tried again with pauses of 1 to 30 s. It arrives at least
once; one that arrives twice has the same ``id``.

``mail`` hands the message to the node's own sendmail, which no block installs: which mail transport
agent a site uses, and through what it relays, is the site's to say. ``command`` runs as
``pairwise-notify`` with the message as JSON on its standard input.
"""

from __future__ import annotations

import json
from pathlib import Path

from bootstrap.blocks.notify import checks as verify
from bootstrap.blocks.notify.program import deliver
from bootstrap.checks import Check
from bootstrap.managed import ManagedFile, Manifest, Reload, SystemUser, Unit
from bootstrap.render import render
from bootstrap.shared.notify import PROGRAM, USER, Kind
from bootstrap.shared.programs import CHECK_JSON, CHECK_PYTHON
from bootstrap.shared.systemd import check_unit
from stacks.plan_types import DeployPlan, NodePlan, NotifyPlan

NAME = "notify"
DELIVER = "/usr/local/lib/pairwise/notify-deliver"
CONFIG = "/etc/pairwise/notify.json"
UNITS = "/etc/systemd/system"
SPOOL_UNIT = "pairwise-notify-spool.service"
STATE = "pairwise-notify"
"""Folder below /var/lib (systemd.exec(5), StateDirectory=)."""
SPOOL = f"/var/lib/{STATE}"
MOST_WAITING = 1000
"""About 4 MiB of disk for each destination."""


def files(node: NodePlan, plan: DeployPlan) -> tuple[ManagedFile, ...]:
    """Every file of the block, services before the path units that start them."""
    names = destinations(_notify(node))
    values = {
        "stack": plan.stack,
        "destinations": names,
        "kinds": [kind.value for kind in Kind],
        "most": MOST_WAITING,
        "user": USER,
        "state": STATE,
        "spool": SPOOL,
        "program": DELIVER,
        "config": CONFIG,
    }

    def text(template: str, **more: object) -> str:
        return render(f"blocks/notify/templates/{template}.j2", **values, **more)

    def unit(name: str, template: str, **more: object) -> ManagedFile:
        check = check_unit(name)
        return ManagedFile(path=f"{UNITS}/{name}", content=text(template, **more), check=check)

    programs = (
        ManagedFile(path=PROGRAM, content=text("notify"), mode=0o755, check=verify.CHECK_SHELL),
        ManagedFile(
            path=DELIVER,
            content=Path(deliver.__file__).read_text(encoding="utf-8"),
            mode=0o755,
            check=CHECK_PYTHON,
        ),
        ManagedFile(path=CONFIG, content=_config(node, plan), check=CHECK_JSON),
    )
    services = [unit(service_of(name), "deliver.service", destination=name) for name in names]
    paths = [unit(path_of(name), "deliver.path", destination=name) for name in names]
    return (*programs, unit(SPOOL_UNIT, "spool.service"), *services, *paths)


def _config(node: NodePlan, plan: DeployPlan) -> str:
    notify = _notify(node)
    values = {
        "": f"Managed by pairwise (stacks/{plan.stack}); local edits are lost.",
        "lab": notify.lab_url,
        "command": notify.command,
        "mail": notify.mail,
    }
    return json.dumps(values, indent=1) + "\n"


def destinations(notify: NotifyPlan) -> list[str]:
    """Those that the description names, as the delivering program calls them."""
    wanted = {"command": notify.command, "lab": notify.lab_url, "mail": notify.mail}
    return [name for name, value in sorted(wanted.items()) if value]


def service_of(destination: str) -> str:
    """The unit that delivers to a destination."""
    return f"pairwise-notify-{destination}.service"


def path_of(destination: str) -> str:
    """The unit that starts it when there is a message."""
    return f"pairwise-notify-{destination}.path"


def manifest(node: NodePlan, plan: DeployPlan) -> Manifest:
    """All that the block owns on a node."""
    started = [SPOOL_UNIT, *map(path_of, destinations(_notify(node)))]
    return Manifest(
        block=NAME,
        packages=("python3",),
        users=(SystemUser(name=USER),),
        files=files(node, plan),
        units=tuple(
            Unit(name=name, reload=Reload.RESTART, files=(f"{UNITS}/{name}",)) for name in started
        ),
    )


def checks(node: NodePlan, plan: DeployPlan) -> tuple[Check, ...]:
    """What ``pairwise verify`` tries."""
    units = [unit.name for unit in manifest(node, plan).units]
    sendmail = deliver.SENDMAIL if _notify(node).mail else None
    return verify.checks(node, units=units, spool=SPOOL, sendmail=sendmail)


def _notify(node: NodePlan) -> NotifyPlan:
    if node.notify is None:
        raise ValueError(f"Node {node.name} has no notify in its plan.")
    return node.notify
