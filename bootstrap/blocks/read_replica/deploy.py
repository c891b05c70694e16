"""The replica of a read tier: it begins as a copy of a pair's MySQL and follows it by its VIP.

Needs: a server of block mysql with ``follows`` in its plan; the secret by which it comes to its
    source, and the source's certificate, which block mysql writes.
Ensures: ``pairwise-read-replica.service``, which each second looks at both servers and takes one
    step (``program/decide.py`` has the rules); HTTP for directors, who keep a replica in their
    table while it has what its source had ``max_lag_s`` ago; /run/pairwise/read-replica.json.
Restart: when a file of it changes; the server goes on without it, directors take it out meanwhile.
Order: after its server; its source may come later, it waits.
Verify: process, a file of now, an answer. Checkers: Python's own parser, systemd-analyze.
Fails when: its source had no read tier when it was started last: it numbers its transactions after
    a switchover, and the replica says that it waits for that.
Refs: document 002 (its wider picture), the reference manual of MySQL 9.7, ldirectord(8).

Replaced knowingly: replicas that are pointed at the new master by hand after a take-over -> they
follow the VIP, and GTIDs say from where. A check whether the port answers -> whether the data are
those of now.
"""

from __future__ import annotations

import json

from bootstrap.blocks.read_replica import program
from bootstrap.checks import Check
from bootstrap.managed import ManagedFile, Manifest, place_of
from bootstrap.render import render
from bootstrap.shared import (
    answers,
    gtids,
    mysql_client,
    mysql_follow,
    pairs,
    programs,
    replacing,
)
from bootstrap.shared.systemd import check_unit
from stacks.addressing import READ_AGENT_PATH, READ_AGENT_WORDS
from stacks.plan_instances import FollowPlan, InstancePlan
from stacks.plan_types import DeployPlan, NodePlan

NAME = "read_replica"
UNIT = "pairwise-read-replica.service"
UNIT_FILE = f"/etc/systemd/system/{UNIT}"
FOLDER = "/etc/pairwise/read-replica"
CONFIG = f"{FOLDER}/agent.json"
SECRET = f"{FOLDER}/secret.json"
SOURCE = f"{FOLDER}/source.cnf"
PROGRAM = f"{pairs.SCRIPTS}/read-replica"
SHARED = (answers, gtids, mysql_client, mysql_follow, replacing)
"""Modules that the program has in common with others."""
STATE = "pairwise"
"""Below /var/lib: what must outlive a boot."""
MEMORY_MIB = 128
"""The program and its two clients."""
SERVICE = programs.Service(block=NAME, unit=UNIT, status=pairs.READ_REPLICA)


def files(node: NodePlan, plan: DeployPlan) -> tuple[ManagedFile, ...]:
    """Every file of the block, in the order in which they are written."""
    one, follows = replica_of(node)
    whose = f"Managed by pairwise (stacks/{plan.stack}); local edits are lost."

    def text(template: str) -> str:
        return render(
            f"blocks/read_replica/templates/{template}.j2",
            stack=plan.stack,
            pair=follows.pair,
            follows=follows,
            password=place_of(follows.password),
            certificate=pairs.SOURCE_CERTIFICATE,
            server=f"pairwise-mysql@{one.name}.service",
            folder=PROGRAM,
            module=program.__name__,
            config=CONFIG,
            memory_mib=MEMORY_MIB,
            state=STATE,
        )

    secret = {"": whose, follows.account: place_of(follows.password)}
    return (
        *programs.files(PROGRAM, program, *SHARED, stack=plan.stack),
        ManagedFile(
            path=CONFIG,
            content=json.dumps({"": whose, **_config(node, plan)}, indent=1) + "\n",
            check=programs.CHECK_JSON,
        ),
        ManagedFile(
            path=SECRET,
            content=json.dumps(secret, indent=1) + "\n",
            mode=0o600,
            secrets=(follows.password,),
        ),
        ManagedFile(
            path=SOURCE, content=text("source.cnf"), mode=0o600, secrets=(follows.password,)
        ),
        ManagedFile(path=UNIT_FILE, content=text("read-replica.service"), check=check_unit(UNIT)),
    )


def _config(node: NodePlan, plan: DeployPlan) -> dict[str, object]:
    """What ``program/config.py`` reads."""
    one, follows = replica_of(node)
    return {
        "stack": plan.stack,
        "pair": follows.pair,
        "node": node.name,
        "source": str(follows.source),
        "port": follows.port,
        "account": follows.account,
        "secret": SECRET,
        "certificate": pairs.SOURCE_CERTIFICATE,
        "own_client": ["mysql", "--no-defaults", f"--socket={one.socket}", "--user=root"],
        "source_client": ["mysql", f"--defaults-file={SOURCE}"],
        "own_socket": one.socket,
        "max_lag_s": follows.max_lag_s,
        "publish": pairs.READ_REPLICA,
        "rebuild": pairs.READ_REBUILD,
        "copies": f"/var/lib/{STATE}/read-replica-copies",
        "strange": f"/var/lib/{STATE}/read-replica-strange",
        "agent_addresses": [str(address) for address in follows.agent_addresses],
        "agent_port": follows.agent_port,
        "agent_path": READ_AGENT_PATH,
        "agent_words": READ_AGENT_WORDS,
    }


def manifest(node: NodePlan, plan: DeployPlan) -> Manifest:
    """All that the block owns on a node."""
    return SERVICE.manifest(files(node, plan), packages=("python3", "mysql-client"))


def checks(node: NodePlan, plan: DeployPlan) -> tuple[Check, ...]:
    """What ``pairwise verify`` tries."""
    return (
        *SERVICE.checks(f"The replica of {node.name} ({plan.deploy})"),
        Check(
            name=f"{NAME}: the replica may be read from",
            command=f"""grep -q '"fit": true' {pairs.READ_REPLICA}""",
            failure=f"{node.name} is out of its read tier: `pairwise status {plan.stack}`.",
        ),
    )


def replica_of(node: NodePlan) -> tuple[InstancePlan, FollowPlan]:
    """The server of a node that follows, and what it follows."""
    for one in node.instances:
        if one.follows is not None:
            return one, one.follows
    raise ValueError(f"Node {node.name} has no replica of a read tier in its plan.")
