"""The reconciler on both nodes of a GTID pair: who is source, and whether it may go on alone.

Needs: node.gtid; blocks mysql (accounts, certificate) and fencing before it.
Ensures: ``pairwise-gtid.service``, which each second looks at both servers and takes one safe step
    (``program/reconcile.py`` has the rules), and publishes /run/pairwise/gtid.json for the
    splitter and for ``status``; /run/pairwise-gtid-holds and gtid-alive are for keepalived.
Restart: when a file of it changes; it may be killed at any time, the servers stay as they are. What
    must outlive a boot is in /var/lib/pairwise. When the machine is shut down it ends by itself,
    once its peer goes on without it (``gtid-leave``): nobody is powered off for a reboot.
Pair order: any.
Verify: process, boot, a file that is not older than ten seconds. Checkers: Python's own parser.
Fails when: its configuration does not fit the program; journalctl -u pairwise-gtid says why.
Refs: document 003, docs/decisions/gtid-reconciler.md, systemd.exec(5).

Replaced from document 003: promotion by keepalived's notify script -> a reconciler, for a script
that runs once may be missed, and a VIP is no proof. SHOW SLAVE STATUS by eye -> GTID sets, compared
both ways.

The program is the folder ``program`` as it stands here.
"""

from __future__ import annotations

import json

from bootstrap.blocks.gtid_pair import program
from bootstrap.checks import Check
from bootstrap.facts.mysql import SOCKET
from bootstrap.managed import ManagedFile, Manifest, place_of
from bootstrap.render import render
from bootstrap.shared import gtids, mysql_client, mysql_follow, pairs, programs, replacing
from bootstrap.shared.systemd import check_unit
from stacks.plan_gtid_types import GtidPlan
from stacks.plan_types import DeployPlan, NodePlan

NAME = "gtid_pair"
UNIT = "pairwise-gtid.service"
UNIT_FILE = f"/etc/systemd/system/{UNIT}"
SERVER = "mysql.service"
FOLDER = "/etc/pairwise/gtid"
CONFIG = f"{FOLDER}/reconciler.json"
SECRETS = f"{FOLDER}/secrets.json"
MONITOR = f"{FOLDER}/monitor.cnf"
CERTIFICATE = "/etc/pairwise/mysql/cert.pem"
"""Written by block mysql: both nodes show the same one, and each trusts no other."""
PROGRAM = f"{pairs.SCRIPTS}/gtid"
SHARED = (gtids, mysql_client, mysql_follow, replacing)
"""Modules that the program has in common with others."""
LEAVE = f"{pairs.SCRIPTS}/gtid-leave"
STATE = "pairwise"
"""Folder below /var/lib (systemd.exec(5), StateDirectory=)."""
MEMORY_MIB = 128
"""The program and its two clients."""
LEAVE_S = 30
"""For which a machine that is shut down waits for its peer: a switchover takes some ten seconds,
and `pairwise stop` has patience for sixty."""
SERVICE = programs.Service(block=NAME, unit=UNIT, status=pairs.GTID)


def files(node: NodePlan, plan: DeployPlan) -> tuple[ManagedFile, ...]:
    """Every file of the block, in the order in which they are written."""
    gtid = _own(node)
    whose = f"Managed by pairwise (stacks/{plan.stack}); local edits are lost."
    passwords = {
        account.name: place_of(account.secret) for account in (gtid.replication, gtid.clone)
    }

    def text(template: str) -> str:
        return render(
            f"blocks/gtid_pair/templates/{template}.j2",
            stack=plan.stack,
            pair=plan.deploy,
            gtid=gtid,
            password=place_of(gtid.monitor.secret),
            certificate=CERTIFICATE,
            folder=PROGRAM,
            module=program.__name__,
            config=CONFIG,
            state=STATE,
            run=pairs.RUN,
            server=SERVER,
            memory_mib=MEMORY_MIB,
            leave=LEAVE,
            leave_s=LEAVE_S,
            leaving=pairs.LEAVING,
        )

    return (
        *programs.files(PROGRAM, program, *SHARED, stack=plan.stack),
        ManagedFile(
            path=CONFIG,
            content=json.dumps({"": whose, **_config(node, plan)}, indent=1) + "\n",
            check=programs.CHECK_JSON,
        ),
        ManagedFile(
            path=SECRETS,
            content=json.dumps({"": whose, **passwords}, indent=1) + "\n",
            mode=0o600,
            secrets=(gtid.replication.secret, gtid.clone.secret),
        ),
        ManagedFile(
            path=MONITOR,
            content=text("monitor.cnf"),
            mode=0o600,
            secrets=(gtid.monitor.secret,),
        ),
        ManagedFile(path=LEAVE, content=text("gtid-leave"), mode=0o755, check="sh -n %s"),
        ManagedFile(path=UNIT_FILE, content=text("gtid.service"), check=check_unit(UNIT)),
    )


def _config(node: NodePlan, plan: DeployPlan) -> dict[str, object]:
    """What ``program/config.py`` reads."""
    gtid = _own(node)
    return {
        "stack": plan.stack,
        "pair": plan.deploy,
        "node": node.name,
        "peer": gtid.peer,
        "addresses": {name: str(address) for name, address in sorted(gtid.addresses.items())},
        "port": gtid.mysql.port,
        "vip": str(gtid.mysql.vip),
        "first": gtid.first,
        "errant": str(gtid.errant),
        "max_lag_s": gtid.max_lag_s,
        "silence_s": gtid.silence_s,
        "restart_s": gtid.restart_s,
        "standby_s": pairs.STANDBY_S,
        "own_socket": SOCKET,
        "own_client": ["mysql", "--no-defaults", f"--socket={SOCKET}", "--user=root"],
        "peer_client": ["mysql", f"--defaults-file={MONITOR}"],
        "certificate": CERTIFICATE,
        "secrets": SECRETS,
        "replication": gtid.replication.name,
        "clone": gtid.clone.name,
        "fence": [pairs.FENCE, gtid.peer, "gtid"],
        "probe": [pairs.FENCE, gtid.peer, "probe"],
        "kill": ["systemctl", "kill", "--signal=KILL", SERVER],
        "marks": {
            "activated": pairs.ACTIVATED,
            "acted": pairs.GTID_ACTIVATED,
            "confirmed": pairs.CONFIRMED,
            "rebuild": pairs.REBUILD,
            "standby": pairs.STANDBY,
            "leaving": pairs.LEAVING,
            "waiting": pairs.WAITING,
            "peer_off": pairs.PEER_OFF,
        },
        "publish": pairs.GTID,
        "holds": pairs.GTID_HOLDS,
        "alive": pairs.GTID_ALIVE,
    }


def manifest(node: NodePlan, plan: DeployPlan) -> Manifest:
    """All that the block owns on a node."""
    return SERVICE.manifest(files(node, plan), packages=("python3", "mysql-client"))


def checks(node: NodePlan, plan: DeployPlan) -> tuple[Check, ...]:
    """What ``pairwise verify`` tries."""
    return (
        *SERVICE.checks(f"The reconciler of {node.name} ({plan.deploy})"),
        Check(
            name=f"{NAME}: the node is source or replica",
            command=f"""grep -Eq '"role": "(source|replica)"' {pairs.GTID}""",
            failure=f"{node.name} is neither source nor replica: `pairwise status {plan.stack}`.",
        ),
    )


def _own(node: NodePlan) -> GtidPlan:
    if node.gtid is None:
        raise ValueError(f"Node {node.name} has no replication in its plan.")
    return node.gtid
