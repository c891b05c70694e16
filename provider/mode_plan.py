"""Mode "plan": what would change on each host, without changing anything and without waiting."""

import traceback
from typing import Any

from provider.operations import patch_did_change, planned
from provider.session import Session, side_by_side
from provider.ssh import Node, NotReachableError, connect, make_absent


def run(session: Session) -> dict[str, Any]:
    """Return host -> state, reason, operations; see the provider's page for the form."""
    patch_did_change()
    states: dict[str, tuple[str, str]] = {}

    def one(node: Node) -> None:
        states[node.name] = _reach(session, node)
        _prepare(session, node, state=states[node.name][0])
        node.operations = planned(node)

    side_by_side(session.nodes, one)
    return {node.name: _result(node, *states[node.name]) for node in session.nodes}


def _reach(session: Session, node: Node) -> tuple[str, str]:
    if node.name not in session.known:
        make_absent(node)
        return "unknown", "its machine does not exist yet"
    try:
        connect(node)
    except NotReachableError as error:
        make_absent(node)
        return "unreachable", str(error)
    return "reachable", ""


def _prepare(session: Session, node: Node, *, state: str) -> None:
    """Prepare all phases; without a machine as far as the deploy code gets on default facts."""
    for phase in session.entry.PHASES:
        try:
            session.run_phase(node, phase)
        except Exception:
            if state == "reachable":
                raise
            # Deploy code may need a fact to go on; what it listed so far is shown.
            session.events.emit("debug", host=node.name, text=traceback.format_exc())
    if node.host in node.host.state.failed_hosts:
        raise RuntimeError("a fact could not be read; the log lines above say which")


def _result(node: Node, state: str, reason: str) -> dict[str, Any]:
    result = {"state": state, "reason": reason, "operations": node.operations}
    return result | ({"error": node.error} if node.error else {})
