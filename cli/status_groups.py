"""Groups under Heartbeat as seen from outside: who holds what, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bootstrap.facts.drbd import DrbdState, absent
from bootstrap.facts.drbd_generations import Relation, relation
from bootstrap.shared import pairs
from cli.plan_warnings import WORTH
from cli.status_read import NodeAnswer
from stacks.plan_data_types import DrbdFencing, DrbdResource, ServiceGroup
from stacks.plan_types import DeployPlan, NodePlan


def fencing_of(part: DeployPlan) -> list[str]:
    """The ways of fencing of a pair, or what it has in their stead."""
    node = part.first
    if node.fence is None:
        return []
    named = WORTH[node.data.drbd.fencing] if node.data is not None else ""
    return [named] if named else [str(device) for device in node.fence.devices]


def judge_pair(
    stack: str, part: DeployPlan, answers: Mapping[str, NodeAnswer]
) -> tuple[list[dict[str, Any]], list[str]]:
    """The groups of a data pair as ``--json`` shows them, and its problems."""
    node = part.first
    if node.data is None:
        return [], []
    groups: list[dict[str, Any]] = []
    problems: list[str] = []
    for group in node.data.groups:
        resource = node.data.resource_of(group) if group.disk is not None else None
        holders = [n for n in sorted(part.nodes) if holds(group, resource, answers.get(n))]
        groups.append(_group(group, resource, part, answers, holders))
        problems += _group_problems(stack, part, group, holders, answers)
    for resource in node.data.drbd.resources:
        problems += _resource_problems(stack, part, resource, answers)
    for name, item in sorted(part.nodes.items()):
        problems += _node_problems(stack, item, answers.get(name))
    return groups, problems


def holds(group: ServiceGroup, resource: DrbdResource | None, answer: NodeAnswer | None) -> bool:
    """Whether a node has all of a group: VIP, and where it has a disk Primary and mounted."""
    if answer is None or str(group.vip) not in answer.addresses:
        return False
    return resource is None or (
        _state(resource, answer).role == "Primary" and group.on_disk.mount_point in answer.mounts
    )


def _state(resource: DrbdResource, answer: NodeAnswer | None) -> DrbdState:
    found = answer.drbd.get(resource.minor) if answer is not None else None
    return found or absent(resource.minor)


def _group(
    group: ServiceGroup,
    resource: DrbdResource | None,
    part: DeployPlan,
    answers: Mapping[str, NodeAnswer],
    holders: list[str],
) -> dict[str, Any]:
    active = holders[0] if len(holders) == 1 else None
    if resource is None:
        states = {}
        ready = [n for n in sorted(part.nodes) if n in answers and answers[n].reachable]
    else:
        states = {name: _state(resource, answers.get(name)) for name in sorted(part.nodes)}
        ready = [n for n, state in states.items() if state.linked and state.disk == "UpToDate"]
    ready = [name for name in ready if name != active]
    return {
        "name": group.name,
        "kind": "heartbeat",
        "active": active,
        "backup": ready[0] if active and ready else None,
        "vips": [str(group.vip)],
        "details": ", ".join(
            f"{name} {s.role} {s.disk} {s.cs}"
            + (f" {s.sync_percent:g} %" if s.sync_percent is not None else "")
            for name, s in states.items()
        ),
    }


def _group_problems(
    stack: str,
    part: DeployPlan,
    group: ServiceGroup,
    holders: list[str],
    answers: Mapping[str, NodeAnswer],
) -> Iterator[str]:
    what = f"Group {group.name} of pair {part.deploy}"
    reached = [name for name in sorted(part.nodes) if name in answers and answers[name].reachable]
    if len(holders) > 1:
        yield (
            f"{what} is held by {' and '.join(holders)} at once: switch one off now with"
            f" `pairwise stop {stack} {holders[-1]}`, then compare what both have written."
        )
    elif not holders and reached:
        where = f"pairwise exec {stack} {reached[0]} -- journalctl -u heartbeat"
        yield f"{what} is held by no node that answers: it is moving, or `{where}` says why."


def _resource_problems(
    stack: str, part: DeployPlan, resource: DrbdResource, answers: Mapping[str, NodeAnswer]
) -> Iterator[str]:
    states = {
        name: _state(resource, answers[name])
        for name in sorted(part.nodes)
        if name in answers and answers[name].reachable
    }
    what = f"DRBD resource {resource.name} of pair {part.deploy}"
    primaries = [name for name, state in states.items() if state.role == "Primary"]
    if len(primaries) > 1:
        yield f"{what} is Primary on {' and '.join(primaries)} at once: that must never be."
    split = _split_brain(stack, what, resource, states, answers)
    if split:
        yield split
    for name, state in states.items():
        if split:
            break
        if not state.configured:
            yield f"{what} is not attached on {name}: `pairwise up {stack}` attaches it."
        elif state.cs == "StandAlone":
            yield (
                f"{what} refuses its peer on {name} (StandAlone): a split brain, or its secret"
                f" differs; `pairwise exec {stack} {name} -- journalctl -k -g drbd` says which."
            )
        elif state.syncing:
            yield f"{what} is being copied to its peer ({state.cs} on {name}): it is not safe yet."
        elif not state.linked and state.disk in ("Outdated", "Inconsistent") and len(states) == 1:
            (peer,) = set(part.nodes) - {name}
            lost = f"`pairwise activate {stack} {name} --peer-is-dead`"
            yield (
                f"{what} is {state.disk} on {name}, and {peer}, which has newer data, does not"
                f" answer: start {peer} with `pairwise start {stack} {peer}`"
                f"{f', or if it is lost, {lost}' if state.disk == 'Outdated' else ''}."
            )
        elif not state.linked:
            yield f"{what} has no connection to its peer on {name} ({state.cs}): it has one copy."
        elif state.disk in ("Diskless", "Failed"):
            yield (
                f"{what} has lost its backing disk on {name} ({state.disk}), which works with its"
                f" peer's copy: mend or replace the volume, then `pairwise exec {stack} {name} --"
                f" drbdadm attach {resource.name}`."
            )
        elif state.disk != "UpToDate":
            yield f"{what} is {state.disk} on {name}: `pairwise verify {stack}` says what is wrong."
    differ = {name: state for name, state in states.items() if state.cs == "Connected"}
    kib = max((state.oos_kib for state in differ.values()), default=0)
    if kib:
        backup = next((name for name in differ if name not in primaries), sorted(part.nodes)[-1])
        yield (
            f"{what} has up to {kib} KiB that differ between its copies, as a comparison has found:"
            f" `pairwise repair {stack} {backup}` copies them to {backup}."
        )


def _split_brain(
    stack: str,
    what: str,
    resource: DrbdResource,
    states: Mapping[str, DrbdState],
    answers: Mapping[str, NodeAnswer],
) -> str:
    """A sentence where both copies were written to, each without the other; else nothing."""
    known = [name for name in states if resource.minor in answers[name].generations]
    if len(known) < 2 or any(state.linked for state in states.values()):
        return ""
    one, other = (answers[name].generations[resource.minor] for name in known)
    if relation(one, other) is not Relation.SPLIT:
        return ""
    # Who serves keeps; else who has written less loses less.
    loser = min(known, key=lambda name: (states[name].role == "Primary", states[name].oos_kib))
    wrote = " and ".join(f"{name} up to {states[name].oos_kib} KiB" for name in known)
    return (
        f"{what} has a split brain: alone have been written on {wrote}; decide whose writes are"
        f" thrown away, for instance `pairwise heal {stack} {loser}`, which asks first."
    )


def _node_problems(stack: str, node: NodePlan, answer: NodeAnswer | None) -> Iterator[str]:
    if answer is None or not answer.reachable or node.data is None:
        return
    peer = node.data.fence.peer
    may_be_stale = pairs.NOT_MET in answer.fence_waiting and bool(node.data.drbd.resources)
    remedy = (
        f"start {peer} with `pairwise start {stack} {peer}`, or if it is lost,"
        f" `pairwise activate {stack} {node.name} --peer-is-dead`."
    )
    if may_be_stale:
        yield (
            f"Take-over on {node.name} waits for fencing of {peer} ({answer.fence_waiting}): {peer}"
            f" may have newer data; {remedy}"
        )
    elif answer.fence_waiting:
        yield (
            f"Take-over on {node.name} waits for fencing of {peer} ({answer.fence_waiting}): when"
            f" you have seen that {peer} is off, `pairwise fence confirm {stack} {peer}`."
        )
    elif not node.data.drbd.resources:
        # It has nothing that could be old: it takes over without having met its peer.
        return
    elif not answer.met_peer and node.data.drbd.fencing is not DrbdFencing.RESOURCE_AND_STONITH:
        yield (
            f"{node.name} has not met {peer} since it booted, and nothing keeps it from taking over"
            f" with old data (fencing {WORTH[node.data.drbd.fencing]}): `pairwise start {stack}"
            f" {peer}`."
        )
    elif not answer.met_peer:
        yield f"{node.name} has not met {peer} since it booted and takes nothing over: {remedy}"
