"""What reads beside the writes of a drill: pages, logins, or an application behind its splitter."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager

from drills.drill import Drill, page_of, splitters_of
from drills.observe import run_inside
from drills.ports import has_ports, places
from drills.stage import Stage
from drills.workloads import split_reads
from drills.workloads.recorder import Recorder, recording
from stacks.model import Role
from stacks.plan_types import Plan


def reading(stage: Stage, drill: Drill) -> AbstractContextManager[Recorder] | None:
    """The client that reads for as long as a drill lasts; none where the pair has nothing to read,
    or the drill does not ask."""
    plan, pair = stage.plan, stage.pair
    if drill.is_loaded and (page := page_of(plan, pair) or balanced_page_of(plan, pair)):
        return recording(_inside(stage, "page_reads", page))
    if drill.is_loaded and has_ports(plan, pair):
        first = places(stage.stack, plan, pair)[0]
        return recording(_inside(stage, "login_reads"), told=json.dumps(first))
    if drill.is_split or drill.reads_stall_s is not None:
        return _splitter(stage)
    return None


def _inside(stage: Stage, workload: str, *arguments: str) -> list[str]:
    """A program in the lab's namespace, where no machine is."""
    return run_inside(stage.stack.netns, f"drills.workloads.{workload}", *arguments)


def _splitter(stage: Stage) -> AbstractContextManager[Recorder] | None:
    """Through one splitter: of the active node where it has one, which is the one that a replica's
    fault leaves alone."""
    found = splitters_of(stage.plan, stage.pair)
    if not found:
        return None
    node = stage.active if stage.active in found else found[0]
    return recording(stage.stack.program(node, split_reads.command()))


def balanced_page_of(plan: Plan, pair: str) -> str:
    """A page that clients get through a pair of balancers; empty: it is none."""
    node = plan.deploys[pair].first
    if Role.LB not in node.roles or node.keepalived is None:
        return ""
    return f"http://{node.keepalived.instances[0].vip}/"
