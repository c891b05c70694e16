"""Each node of a GTID pair tells splitters what its server is good for: writes, reads, neither.

Needs: node.gtid.split; block gtid_pair before it, whose words it passes on.
Ensures: ``pairwise-split-agent.service``: HTTP at the node's own address in the network of the
    database's VIP, ``/source`` and ``/replica`` (``program/judge.py`` has the rules). It keeps no
    secret, has no account, and runs as a user of its own.
Restart: when a file of it changes; splitters take two answers that do not come for nothing.
Order: any.
Verify: process, port, an answer. Checkers: Python's own parser, systemd-analyze.
Fails when: its address is not there: it is started again each second.
Refs: docs/decisions/rw-split.md, https://docs.haproxy.org/3.0/configuration.html (httpchk).
"""

from __future__ import annotations

import json

from bootstrap.blocks.rw_split_agent import program
from bootstrap.checks import Check, is_active, is_enabled, listens
from bootstrap.facts.mysql import SOCKET
from bootstrap.managed import ManagedFile, Manifest, Reload, Unit
from bootstrap.render import render
from bootstrap.shared import answers, pairs, programs
from bootstrap.shared.systemd import check_unit
from stacks.plan_gtid_types import SplitAgentPlan
from stacks.plan_types import DeployPlan, NodePlan

NAME = "rw_split_agent"
UNIT = "pairwise-split-agent.service"
UNIT_FILE = f"/etc/systemd/system/{UNIT}"
CONFIG = "/etc/pairwise/split-agent.json"
PROGRAM = f"{pairs.SCRIPTS}/split"
MEMORY_MIB = 48


def files(node: NodePlan, plan: DeployPlan) -> tuple[ManagedFile, ...]:
    """Every file of the block, in the order in which they are written."""
    agent = _own(node)
    config = {
        "": f"Managed by pairwise (stacks/{plan.stack}); local edits are lost.",
        "address": str(agent.address),
        "port": agent.port,
        "max_lag_s": agent.max_lag_s,
        "drain_s": agent.drain_s,
        "document": pairs.GTID,
        "socket": SOCKET,
    }
    unit = render(
        "blocks/rw_split_agent/templates/split-agent.service.j2",
        stack=plan.stack,
        folder=PROGRAM,
        module=program.__name__,
        config=CONFIG,
        memory_mib=MEMORY_MIB,
    )
    return (
        *programs.files(PROGRAM, program, answers, stack=plan.stack),
        ManagedFile(
            path=CONFIG, content=json.dumps(config, indent=1) + "\n", check=programs.CHECK_JSON
        ),
        ManagedFile(path=UNIT_FILE, content=unit, check=check_unit(UNIT)),
    )


def manifest(node: NodePlan, plan: DeployPlan) -> Manifest:
    """All that the block owns on a node."""
    owned = files(node, plan)
    return Manifest(
        block=NAME,
        packages=("python3",),
        files=owned,
        units=(Unit(name=UNIT, reload=Reload.RESTART, files=tuple(file.path for file in owned)),),
    )


def checks(node: NodePlan, plan: DeployPlan) -> tuple[Check, ...]:
    """What ``pairwise verify`` tries."""
    agent = _own(node)
    url = f"http://{agent.address}:{agent.port}"
    return (
        is_active(NAME, UNIT),
        is_enabled(NAME, UNIT),
        listens(NAME, address=str(agent.address), port=agent.port),
        Check(
            name=f"{NAME}: the server is good for writes or for reads",
            command=f"curl -fsS --max-time 5 {url}/source || curl -fsS --max-time 5 {url}/replica",
            failure=f"{node.name} is out of every splitter: curl {url}/replica says why, on a node"
            f" of pair {plan.deploy}.",
        ),
    )


def _own(node: NodePlan) -> SplitAgentPlan:
    if node.gtid is None or node.gtid.split is None:
        raise ValueError(f"Node {node.name} says nothing to splitters in its plan.")
    return node.gtid.split
