"""``pairwise status``: a stack in one look, read from outside, nothing remembered."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from cli import status_named, status_read
from cli.checkout import Checkout, uses_lab
from cli.engine import Engine
from cli.errors import CommandError
from cli.fence import shot_nodes
from cli.machines import GONE, RUNNING, Machines
from cli.ready import lab_is_down
from cli.status_groups import fencing_of
from cli.status_judge import Seen, WebAnswer, judge_groups, judge_nodes, judge_web
from cli.status_lvs import judge_services, services_of
from cli.status_read import NodeAnswer
from cli.status_replica import judge_replicas, replica_of
from cli.status_split import backends_of, judge_splitters
from cli.transport import Ssh, enter
from lab import forward
from stacks.model_web import BalanceMethod
from stacks.plan_types import NodePlan, Plan

NODE_S = 25
"""Deadline of a node's answer. A login takes an emulated machine ten of them on a busy hypervisor,
and a look that gave up then was repeated, which kept the hypervisor busy."""
PROBE_S = 60
"""Deadline of all HTTP probes together."""


@dataclass(frozen=True, kw_only=True)
class Status:
    """A stack as it is now."""

    stack: str
    url: str
    """Where a browser on this machine opens the site; empty without a forward."""
    nodes: tuple[dict[str, Any], ...]
    pairs: tuple[dict[str, Any], ...]
    problems: tuple[str, ...]
    """One sentence each, with the command that mends it."""
    notices: tuple[str, ...] = ()
    """What the pairs' monitors have put right in the last ten minutes."""

    @property
    def healthy(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems

    def as_json(self) -> dict[str, Any]:
        """The shape that ``--json`` prints."""
        return {
            "stack": self.stack,
            "healthy": self.healthy,
            "url": self.url,
            "nodes": list(self.nodes),
            "pairs": list(self.pairs),
            "problems": list(self.problems),
            "notices": list(self.notices),
        }


def gather(checkout: Checkout, plan: Plan) -> Status:
    """Look at the hypervisor, every node and every VIP, and judge what was seen."""
    sentence = lab_is_down(checkout, plan)
    if sentence:
        return assemble(plan, Seen(), url="", extra=(sentence,))
    states = dict(Machines(checkout, plan).states())
    try:
        ssh = Ssh.of_stack(Engine(checkout, plan))
    except CommandError as error:
        return assemble(plan, Seen(states=states), url="", extra=(str(error),))
    with ThreadPoolExecutor(max_workers=len(plan.nodes) + 1) as pool:
        asked = {
            name: pool.submit(_ask, ssh, node, states[name], plan)
            for name, node in plan.nodes.items()
        }
        web = pool.submit(_web, checkout, plan)
        seen = Seen(
            states=states,
            answers={name: future.result() for name, future in asked.items()},
            web=web.result(),
            shot=shot_nodes(checkout, plan),
        )
    url = forward.running(checkout.paths).get(plan.stack, "") if uses_lab(plan) else ""
    return assemble(plan, seen, url=url)


def assemble(plan: Plan, seen: Seen, *, url: str, extra: tuple[str, ...] = ()) -> Status:
    """Judge what was seen: nodes, then what the pairs do, then what clients get.

    Args:
        plan: what should be. seen: what is. url: of the local forward.
        extra: problems that explain all others, which are then left out.
    """
    node_problems = judge_nodes(plan, seen)
    group_problems, groups = judge_groups(plan, seen)
    named = status_named.problems(plan, seen.answers)
    splits = judge_splitters(plan, seen.answers)
    replicas = judge_replicas(plan, seen.answers)
    lvs = [
        sentence
        for part in plan.deploys.values()
        for sentence in judge_services(plan.stack, part, seen.answers)
    ]
    problems = extra or (
        *node_problems,
        *group_problems,
        *named,
        *splits,
        *replicas,
        *lvs,
        *judge_web(plan, seen),
    )
    nodes = tuple(
        {
            "name": name,
            "roles": [str(role) for role in node.roles],
            "reachable": seen.answer(name).reachable,
            "machine": seen.states.get(name, GONE),
            "address": str(node.management_address),
            **({"backends": backends_of(node, seen.answer(name))} if node.split else {}),
            **({"replica": said} if (said := replica_of(node, seen.answer(name))) else {}),
        }
        for name, node in plan.nodes.items()
    )
    pairs = tuple(
        {
            "name": name,
            "nodes": sorted(part.nodes),
            "fencing": fencing_of(part),
            "groups": groups.get(name, []),
            **({"services": services} if (services := services_of(part, seen.answers)) else {}),
        }
        for name, part in plan.deploys.items()
        if part.is_pair
    )
    return Status(
        stack=plan.stack,
        url=url,
        nodes=nodes,
        pairs=pairs,
        problems=tuple(problems),
        notices=tuple(status_named.notices(plan, seen.answers)),
    )


def _ask(ssh: Ssh, node: NodePlan, state: str, plan: Plan) -> NodeAnswer:
    from bootstrap.deploy import manifests
    from bootstrap.managed import Boot

    if state != RUNNING:
        return NodeAnswer(reachable=False, reason=f"its machine is {state}")
    owned = manifests(node=node, plan=plan.slice(node.member))
    units = [
        unit.name
        for manifest in owned
        for unit in manifest.units
        if unit.running and unit.boot is not Boot.MASKED
    ]
    output, reason = ssh.read(node, status_read.script(units), timeout_s=NODE_S)
    if output is None:
        return NodeAnswer(reachable=False, reason=reason)
    return status_read.parse(output)


def _web(checkout: Checkout, plan: Plan) -> Mapping[str, WebAnswer]:
    """What clients get at each VIP of each balancer pair, by address."""
    from drills.observe import add_client_addresses

    found: dict[str, WebAnswer] = {}
    for name, part in plan.deploys.items():
        node = part.first
        vips = plan.vips_of(name)
        if node.balancer is None or not vips:
            continue
        netns = checkout.netns(plan, node)
        by_client = netns is not None and node.balancer.method is BalanceMethod.IP_HASH
        clients = add_client_addresses(netns) if netns is not None and by_client else []
        wanted = [upstream.node for upstream in node.balancer.upstreams]
        request = {
            "vips": {str(vip.address): node.balancer.listen_port for vip in vips},
            "wanted": wanted,
            "clients": clients or [""] * (4 * len(wanted)),
        }
        found |= _probe(checkout, netns, request)
    return found


def _probe(
    checkout: Checkout, netns: str | None, request: Mapping[str, Any]
) -> dict[str, WebAnswer]:
    argv = [*enter(netns), "nice", "-n", "10", sys.executable, "-m", "cli.probe"]
    try:
        done = subprocess.run(
            argv,
            input=json.dumps(request),
            capture_output=True,
            text=True,
            timeout=PROBE_S,
            cwd=checkout.root,
            check=True,
        )
    except subprocess.TimeoutExpired:
        failed = WebAnswer(served=(), errors=(f"no answers within {PROBE_S} s",))
        return dict.fromkeys(request["vips"], failed)
    answers: dict[str, dict[str, list[str]]] = json.loads(done.stdout)
    return {
        address: WebAnswer(served=tuple(answer["served"]), errors=tuple(answer["errors"]))
        for address, answer in answers.items()
    }
