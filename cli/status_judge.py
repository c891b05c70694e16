"""What is wrong with a stack, as sentences with the command that mends it; pure functions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from cli.machines import GONE, RUNNING, UNKNOWN
from cli.status_groups import judge_pair
from cli.status_gtid import judge_replication, stands_by, why_no_vip
from cli.status_read import NodeAnswer
from stacks.model import VipManager, VrrpMode
from stacks.plan_types import NodePlan, Plan, VipPlan

STANDS_BY = "stands by"
"""keepalived is in FAULT on a GTID pair's replica: it leaves the VIPs to its source."""
NO_MANAGER = "no cluster manager yet: its block is not built"
"""VIPs whose manager's block is not built yet are reserved and nothing more."""


@dataclass(frozen=True, kw_only=True)
class WebAnswer:
    """What clients got at one VIP."""

    served: tuple[str, ...]
    """Web machines that answered."""
    errors: tuple[str, ...]
    """What went wrong, in order."""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """Everything that was seen of a stack from outside."""

    states: Mapping[str, str] = field(default_factory=dict)
    """libvirt's state of each machine, by node."""
    answers: Mapping[str, NodeAnswer] = field(default_factory=dict)
    """What each node said."""
    web: Mapping[str, WebAnswer] = field(default_factory=dict)
    """What clients got, by VIP address."""

    shot: Mapping[str, str] = field(default_factory=dict)
    """Nodes that their peer had powered off and that nobody has given their say back, and by whom:
    the fence endpoint's marks."""

    def answer(self, node: str) -> NodeAnswer:
        """What a node said, which may be nothing."""
        return self.answers.get(node, NodeAnswer(reachable=False, reason="it was not asked"))


def judge_nodes(plan: Plan, seen: Seen) -> list[str]:
    """Problems of single nodes."""
    problems = []
    for name, node in plan.nodes.items():
        state = seen.states.get(name, UNKNOWN)
        answer = seen.answer(name)
        if state != RUNNING:
            problems.append(_not_running(plan, node, state))
        elif not answer.reachable:
            problems.append(
                f"{name} runs but gives no answer on SSH at {node.management_address} "
                f"({answer.reason.rstrip('.')}): it may still boot; "
                f"`pairwise console {plan.stack} {name}` shows its console."
            )
        else:
            problems += _unit_problems(plan, name, answer)
        if state == RUNNING and name in seen.shot:
            problems.append(
                f"{name} runs, but {seen.shot[name]} had it powered off and it was not started by "
                f"`pairwise start`: it can have nobody fenced until `pairwise start {plan.stack} "
                f"{name}`."
            )
    return problems


def _not_running(plan: Plan, node: NodePlan, state: str) -> str:
    if state == GONE:
        return f"Machine {node.machine} does not exist: `pairwise up {plan.stack}` makes it."
    if state == UNKNOWN:
        return (
            f"Hypervisor {node.hypervisor} of {node.name} gives no answer: "
            "`pairwise doctor` says what it needs."
        )
    return (
        f"Machine {node.machine} is {state}: `pairwise start {plan.stack} {node.name}` starts it."
    )


def _unit_problems(plan: Plan, name: str, answer: NodeAnswer) -> Iterator[str]:
    wrong = {unit: seen.active for unit, seen in answer.units.items() if seen.active != "active"}
    for unit in answer.failed:
        wrong.setdefault(unit, "failed")
    for unit, active in sorted(wrong.items()):
        yield (
            f"{unit} on {name} is {active or 'not there'}: "
            f"`pairwise exec {plan.stack} {name} -- journalctl -u {unit}` says why, "
            f"`pairwise up {plan.stack}` starts it."
        )


def judge_groups(plan: Plan, seen: Seen) -> tuple[list[str], dict[str, list[dict[str, Any]]]]:
    """Problems of the pairs, and for each pair its groups as ``--json`` shows them."""
    problems: list[str] = []
    groups: dict[str, list[dict[str, Any]]] = {}
    for vip in plan.vips:
        if _is_managed(plan, vip):
            group, found = _vrrp_group(plan, vip, seen)
            problems += found
        elif plan.nodes[vip.prefers].data is not None:
            continue
        else:
            group = _group(vip, kind=str(vip.manager), details=NO_MANAGER)
        groups.setdefault(vip.pair, []).append(group)
    for name, part in plan.deploys.items():
        found_groups, found = judge_pair(plan.stack, part, seen.answers)
        problems += found
        replication, found = judge_replication(plan.stack, part, seen.answers)
        problems += found
        groups.setdefault(name, []).extend([*found_groups, *replication])
    return problems, groups


def _is_managed(plan: Plan, vip: VipPlan) -> bool:
    from bootstrap.roles import blocks_of

    if vip.manager is not VipManager.KEEPALIVED:
        return False
    node = plan.nodes[vip.prefers]
    return any(block.NAME == "keepalived" for block in blocks_of(node))


def _group(
    vip: VipPlan, *, kind: str, details: str, active: str | None = None, backup: str | None = None
) -> dict[str, Any]:
    return {
        "name": vip.name,
        "kind": kind,
        "active": active,
        "backup": backup,
        "vips": [str(vip.address)],
        "details": details,
    }


def _vrrp_group(plan: Plan, vip: VipPlan, seen: Seen) -> tuple[dict[str, Any], list[str]]:
    nodes = sorted(plan.slice(vip.pair).nodes)
    holders = [name for name in nodes if str(vip.address) in seen.answer(name).addresses]
    active = holders[0] if len(holders) == 1 else None
    others = [name for name in nodes if name != active and seen.answer(name).reachable]
    states = {name: _vrrp_state(seen.answer(name), vip.name) for name in nodes}
    backups = [name for name in others if states[name] in ("BACKUP", STANDS_BY)]
    balancer = plan.nodes[vip.prefers].balancer
    spread = [balancer.granularity] if balancer is not None else []
    group = _group(
        vip,
        kind="vrrp",
        details="; ".join([", ".join(f"{n} {state}" for n, state in states.items()), *spread]),
        active=active,
        backup=backups[0] if active and backups else None,
    )
    return group, list(_vrrp_problems(plan, vip, seen, holders=holders, states=states))


def _vrrp_state(answer: NodeAnswer, vip: str) -> str:
    if not answer.reachable:
        return "unreachable"
    state = answer.vrrp.get(vip, "starting")
    return STANDS_BY if state == "FAULT" and stands_by(answer) else state


def _vrrp_problems(
    plan: Plan, vip: VipPlan, seen: Seen, *, holders: list[str], states: Mapping[str, str]
) -> Iterator[str]:
    what = f"VIP {vip.name} ({vip.address}) of pair {vip.pair}"
    journal = f"pairwise exec {plan.stack} {vip.prefers} -- journalctl -u keepalived"
    reached = [name for name in states if seen.answer(name).reachable]
    if len(holders) > 1:
        yield (
            f"{what} is held by {' and '.join(holders)} at once: their VRRP packets do not reach "
            f"each other; `pairwise verify {plan.stack}` says which rule or link is wrong."
        )
    elif not holders and reached:
        yield f"{what} is held by no node that answers: `{journal}` says why."
    elif holders and holders[0] != vip.prefers and _returns(plan, vip):
        yield (
            f"{what} is on {holders[0]} and not on {vip.prefers}, which it prefers: it returns "
            f"when {vip.prefers} is well again; `{journal}` says what keeps it."
        )
    for name in reached:
        if states[name] == "FAULT":
            why = why_no_vip(seen.answer(name)) or "its service does not answer"
            yield (
                f"{name} is in FAULT for VIP {vip.name}: {why}; "
                f"`pairwise verify {plan.stack}` says what is wrong."
            )
        elif states[name] == "starting":
            yield (
                f"keepalived on {name} has not joined for VIP {vip.name} yet: it is within its "
                f"start delay, or `pairwise up {plan.stack}` starts it."
            )


def _returns(plan: Plan, vip: VipPlan) -> bool:
    """Whether a node takes its VIP back (single and dual preempt; sync and GTID pairs do not)."""
    keepalived = plan.nodes[vip.prefers].keepalived
    stays = plan.nodes[vip.prefers].gtid is not None
    return keepalived is not None and keepalived.mode is not VrrpMode.SYNC and not stays


def judge_web(plan: Plan, seen: Seen) -> list[str]:
    """What clients do not get: an answer at each VIP, through each web machine."""
    problems = []
    for vip in plan.vips:
        answer = seen.web.get(str(vip.address))
        balancer = plan.nodes[vip.prefers].balancer
        if answer is None or balancer is None:
            continue
        url = f"http://{vip.address}/"
        missing = [up.node for up in balancer.upstreams if up.node not in answer.served]
        if not answer.served:
            reason = answer.errors[-1] if answer.errors else "no answer"
            problems.append(
                f"{url} (VIP {vip.name}) serves nobody ({reason}): "
                f"`pairwise verify {plan.stack}` says what is wrong."
            )
        elif missing:
            problems.append(
                f"{url} (VIP {vip.name}) is never answered by {' and '.join(missing)}: the "
                f"balancers leave out what fails; `pairwise verify {plan.stack}` says why."
            )
    return problems
