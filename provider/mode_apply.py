"""Mode "apply": bring the hosts to their planned state, phase by phase and batch by batch.

A host that fails takes part in nothing more; the others of its batch go on. When an operation has
failed in a batch, the later batches of the Deploy are held back: what broke the backup must not
reach the active node. A host that cannot be reached holds nobody back.
"""

import os
import platform
import time
from typing import Any

from pyinfra.api.operations import run_host_op
from pyinfra.api.state import StateStage

from bootstrap.changes import take
from provider.locks import acquire
from provider.operations import failure, names
from provider.session import Session, side_by_side
from provider.ssh import Node, wait_until_connected


def run(session: Session) -> dict[str, Any]:
    """Return host -> state, operations that did change, and error where there is one."""
    locks: list[Any] = []
    owner = f"pid {os.getpid()} on {platform.node()} since {time.strftime('%FT%T%z')}"

    def reach(node: Node) -> None:
        wait_until_connected(
            node,
            timeout_s=session.ssh_wait_s,
            say=lambda text: session.events.status(node.name, text),
        )
        path = session.lock_path.format(host=node.name)
        locks.append(acquire(node.transport, host=node.name, owner=owner, path=path))

    side_by_side(session.nodes, reach)
    reached = frozenset(node.name for node in session.nodes if not node.error)
    for phase in session.entry.PHASES:
        _run_phase(session, phase, reached=reached)
    for lock in locks:
        lock.close()
    return {node.name: _result(node, reached) for node in session.nodes}


def _run_phase(session: Session, phase: str, *, reached: frozenset[str]) -> None:
    by_name = {node.name: node for node in session.nodes}
    blank = all(node.blank for node in session.nodes)
    for batch in session.entry.batches(phase, plan=session.plan, blank=blank):
        broken = [node.name for node in session.nodes if node.error and node.name in reached]
        nodes = [by_name[name] for name in batch if not by_name[name].error]
        if set(broken) - set(batch):
            for node in nodes:
                node.error = f"{node.name}: held back before {phase}, {broken[0]} has failed"
            continue
        side_by_side(nodes, lambda node: _run_on(session, node, phase))


def _run_on(session: Session, node: Node, phase: str) -> None:
    """Prepare and run one phase on one host."""
    state = node.host.state
    start = len(node.host.op_hash_order)
    session.events.status(node.name, phase)
    # The operations look at the host when they run: looking twice would only cost time.
    state.check_for_changes = False
    state.is_executing = False
    state.current_stage = StateStage.Prepare
    session.run_phase(node, phase)
    state.current_stage = StateStage.Execute
    state.is_executing = True
    for op_hash, name in list(names(node, start=start)):
        session.events.status(node.name, name)
        if not run_host_op(state, node.host, op_hash):
            session.events.operation(node.name, name, "failed")
            raise RuntimeError(failure(node, op_hash, name))
        changed = state.ops[node.host][op_hash].operation_meta.did_change()
        text = take(node.name, op_hash)
        if changed:
            node.operations[name] = text or "done"
            session.events.operation(node.name, name, "changed")


def _result(node: Node, reached: frozenset[str]) -> dict[str, Any]:
    state = "reachable" if node.name in reached else "unreachable"
    result = {"state": state, "reason": "", "operations": node.operations}
    return result | ({"error": node.error} if node.error else {})
