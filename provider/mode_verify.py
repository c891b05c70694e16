"""Mode "verify": run each node's checks on the node and say which hold."""

from typing import Any, Final

import gevent
from pyinfra.api.command import StringCommand

from provider.session import Session, side_by_side
from provider.ssh import Node, connect

CHECK_TIMEOUT_S: Final = 60
"""For one check; the daemons' own checkers answer in seconds, under emulation too."""


def run(session: Session) -> dict[str, Any]:
    """Return host -> state and, per check, `ok`, the output and what is wrong."""
    found: dict[str, dict[str, Any]] = {node.name: {} for node in session.nodes}
    reached: set[str] = set()

    def one(node: Node) -> None:
        connect(node)
        reached.add(node.name)
        for check in session.entry.checks(node=session.plan.nodes[node.name], plan=session.plan):
            found[node.name][check.name] = _run_check(node, check)

    side_by_side(session.nodes, one)
    return {
        node.name: {
            "state": "reachable" if node.name in reached else "unreachable",
            "checks": found[node.name],
        }
        | ({"error": node.error} if node.error else {})
        for node in session.nodes
    }


def _run_check(node: Node, check: Any) -> dict[str, Any]:
    try:
        with gevent.Timeout(CHECK_TIMEOUT_S):
            ok, output = node.host.run_shell_command(StringCommand(check.command))
    except gevent.Timeout:
        text = f"no answer within {CHECK_TIMEOUT_S} s"
        return {"ok": False, "output": text, "failure": check.failure}
    text = "\n".join(line.line for line in output)
    if ok and (not check.expect or check.expect in text):
        return {"ok": True, "output": text}
    return {"ok": False, "output": text, "failure": check.failure}
