"""Mode "verify": run each node's checks on the node and say which hold."""

import re
import secrets
import shlex
from collections.abc import Sequence
from typing import Any, Final

import gevent
from pyinfra.api.command import StringCommand

from provider.session import Session, side_by_side
from provider.ssh import Node, connect

CHECK_TIMEOUT_S: Final = 60
"""For one check; the daemons' own checkers answer in seconds, under emulation too."""
OVER_TIME: Final = 124
"""Exit code of timeout(1) for a command that it has ended."""
NODE_TIMEOUT_S: Final = 600
"""For all checks of a node: half a hundred take half a minute under emulation."""


def run(session: Session) -> dict[str, Any]:
    """Return host -> state and, per check, `ok`, the output and what is wrong."""
    found: dict[str, dict[str, Any]] = {node.name: {} for node in session.nodes}
    reached: set[str] = set()

    def one(node: Node) -> None:
        connect(node)
        reached.add(node.name)
        checks = list(session.entry.checks(node=session.plan.nodes[node.name], plan=session.plan))
        found[node.name] = _run_checks(node, checks)

    side_by_side(session.nodes, one)
    return {
        node.name: {
            "state": "reachable" if node.name in reached else "unreachable",
            "checks": found[node.name],
        }
        | ({"error": node.error} if node.error else {})
        for node in session.nodes
    }


def _run_checks(node: Node, checks: Sequence[Any]) -> dict[str, Any]:
    mark = secrets.token_hex(8)
    script = script_of([check.command for check in checks], mark)
    try:
        with gevent.Timeout(NODE_TIMEOUT_S):
            _, output = node.host.run_shell_command(StringCommand(script))
        text = "\n".join(line.line for line in output)
    except gevent.Timeout:
        text = ""
    answers = answers_of(text, mark)
    found = {}
    for place, check in enumerate(checks):
        code, said = answers.get(place, (None, "the node gave no answer"))
        if code == OVER_TIME:
            said = f"no answer within {CHECK_TIMEOUT_S} s"
        ok = code == 0 and (not check.expect or check.expect in said)
        found[check.name] = {"ok": ok, "output": said} | ({} if ok else {"failure": check.failure})
    return found


def script_of(commands: Sequence[str], mark: str) -> str:
    """One shell text for all commands: a session for each costs more than most checks.

    Args:
        commands: each in a shell of its own, which ends after CHECK_TIMEOUT_S. mark: a word that
            none of them prints.
    """
    one = (
        f'one() {{ echo "{mark} $1"; timeout {CHECK_TIMEOUT_S} sh -c "$2" </dev/null 2>&1; code=$?;'
        f' echo; echo "{mark} $1 $code"; }}'
    )
    lines = [f"one {place} {shlex.quote(command)}" for place, command in enumerate(commands)]
    return "\n".join([one, *lines])


def answers_of(text: str, mark: str) -> dict[int, tuple[int, str]]:
    """Place of a command -> its exit code and what it said; none where it has no end."""
    pattern = rf"^{mark} (\d+)$\n(.*?)^{mark} \1 (\d+)$"
    found = re.finditer(pattern, text, re.MULTILINE | re.DOTALL)
    return {int(one[1]): (int(one[3]), one[2].strip("\n")) for one in found}
