"""Runs the checks of every block on the nodes, through the provider's child."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.text import Text

from cli.checkout import Checkout
from cli.engine import Engine
from cli.errors import EXIT_FAIL, EXIT_UNKNOWN, CommandError
from cli.transport import Ssh, enter
from stacks.plan_types import DeployPlan, Plan, dump

DEPLOY_S = 300
"""Deadline for one Deploy: some dozens of checks, each well under a second."""


@dataclass(frozen=True, kw_only=True)
class Checked:
    """One check of one node."""

    name: str
    ok: bool
    output: str
    failure: str = ""
    """What is wrong and what to do, where it does not hold."""


@dataclass(frozen=True, kw_only=True)
class NodeResult:
    """What the checks of one node said."""

    node: str
    reachable: bool
    error: str
    """Why it could not be told; empty when it could."""
    checks: tuple[Checked, ...]

    def as_json(self) -> dict[str, Any]:
        """The shape that ``--json`` prints."""
        checks = [
            {"name": c.name, "ok": c.ok, "output": c.output, "failure": c.failure}
            for c in self.checks
        ]
        return {
            "name": self.node,
            "reachable": self.reachable,
            "error": self.error,
            "checks": checks,
        }


def run(checkout: Checkout, plan: Plan) -> list[NodeResult]:
    """Verify every Deploy, side by side.

    Raises:
        CommandError: the stack was never brought up.
    """
    try:
        ssh = Ssh.of_stack(Engine(checkout, plan))
    except CommandError as error:
        raise CommandError(str(error), code=EXIT_UNKNOWN) from error
    with ThreadPoolExecutor(max_workers=len(plan.deploys)) as pool:
        found = list(pool.map(lambda part: _verify(ssh, part), plan.deploys.values()))
    by_node = {result.node: result for results in found for result in results}
    return [by_node[name] for name in plan.nodes]


def request(ssh: Ssh, part: DeployPlan) -> dict[str, Any]:
    """What the provider's child reads."""
    from provider import spec

    host_keys = dict(
        line.split(maxsplit=1)
        for line in ssh.known_hosts.read_text(encoding="utf-8").splitlines()
        if line.strip()
    )
    hosts = {}
    for name, node in part.nodes.items():
        address = str(node.management_address)
        hosts[name] = {
            "address": address,
            "port": 22,
            "user": "root",
            "host_key": host_keys.get(address, ""),
            "identity": node.machine,
        }
    netns = {ssh.checkout.netns(ssh.plan, node) for node in part.nodes.values()}
    deploy = {
        "name": part.deploy,
        "stack": part.stack,
        "hosts": hosts,
        "transport": {
            "netns": netns.pop(),
            "private_key": ssh.key.read_text(encoding="utf-8"),
        },
        "plan": dump(part),
        "secrets": {},
    }
    return spec.request(deploy, mode="verify", mask={})


def _verify(ssh: Ssh, part: DeployPlan) -> list[NodeResult]:
    document = request(ssh, part)
    netns = document["spec"]["transport"]["netns"]
    root = ssh.checkout.root
    try:
        done = subprocess.run(
            [*enter(netns), sys.executable, "-m", "provider.child"],
            input=json.dumps(document),
            capture_output=True,
            text=True,
            timeout=DEPLOY_S,
            cwd=root,
            env={**os.environ, "PYTHONPATH": str(root)},
            check=False,
        )
    except subprocess.TimeoutExpired:
        return _untold(part, f"no result within {DEPLOY_S} s")
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or ["no output"]
        return _untold(part, f"the checks could not be run: {lines[-1]}")
    return understand(part, json.loads(done.stdout))


def understand(part: DeployPlan, result: dict[str, Any]) -> list[NodeResult]:
    """The child's result, node by node."""
    found = []
    for name in part.nodes:
        host = result["hosts"].get(name) or {}
        checks = tuple(
            Checked(
                name=check,
                ok=bool(seen["ok"]),
                output=str(seen.get("output", "")).strip(),
                failure=str(seen.get("failure", "")),
            )
            for check, seen in (host.get("checks") or {}).items()
        )
        reachable = host.get("state") == "reachable"
        error = str(host.get("error") or ("" if reachable else "it was not reached"))
        found.append(NodeResult(node=name, reachable=reachable, error=error, checks=checks))
    return found


def _untold(part: DeployPlan, reason: str) -> list[NodeResult]:
    return [NodeResult(node=name, reachable=False, error=reason, checks=()) for name in part.nodes]


def exit_code(results: Iterable[NodeResult]) -> int:
    """0 all hold, 1 one fails, 2 it could not be told."""
    all_of = list(results)
    if any(not check.ok for result in all_of for check in result.checks):
        return EXIT_FAIL
    if any(result.error or not result.reachable for result in all_of):
        return EXIT_UNKNOWN
    return 0


def show_results(results: Iterable[NodeResult], console: Console) -> None:
    """Print one line per node, and each check that does not hold."""
    for result in results:
        failed = [check for check in result.checks if not check.ok]
        if result.error:
            verdict, style = f"could not be told: {result.error}", "yellow"
        elif failed:
            verdict, style = f"{len(failed)} of {len(result.checks)} checks fail", "red"
        else:
            verdict, style = f"{len(result.checks)} checks hold", "green"
        console.print(Text(f"{result.node}: {verdict}", style=style), soft_wrap=True)
        for check in failed:
            console.print(Text(f"  - {check.name}: {check.failure}".rstrip(": ")), soft_wrap=True)
            for line in check.output.splitlines()[:10]:
                console.print(Text(f"      {line}", style="dim"), soft_wrap=True)
