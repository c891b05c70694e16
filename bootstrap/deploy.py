"""How a node becomes its role: what the provider's child, goldens, tests and the CLI call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from pyinfra.context import host

from bootstrap import phases
from bootstrap.checks import Check
from bootstrap.facts import node as facts
from bootstrap.managed import Manifest, RenderedFile, union, with_values
from bootstrap.phases import PHASES
from bootstrap.roles import blocks_of, phase_function
from bootstrap.site import Site, ensure_boot, ensure_reread
from stacks.plan_types import DeployPlan, NodePlan, Plan

__all__ = ["PHASES", "Check", "batches", "checks", "manifests", "render_all", "run_phase"]


def run_phase(phase: str, *, node: NodePlan, plan: DeployPlan, secrets: Mapping[str, str]) -> bool:
    """List a phase's operations for the host in pyinfra's context.

    One round trip reads all that the node's blocks own. The request is the same in every phase, so
    that a preview, which reads each fact once, makes one in all.

    Args:
        phase: one of PHASES.
        node: the node that the host is.
        plan: what the hosts of its Deploy read.
        secrets: values by name; UNKNOWN where a preview does not know one.

    Returns:
        Whether the host is blank: nothing was ever configured on it.

    Raises:
        ValueError: unknown phase, or a node whose plan lacks what its role needs.
    """
    if phase not in PHASES:
        raise ValueError(f"Phase {phase!r} does not exist: use one of {', '.join(PHASES)}.")
    blocks = blocks_of(node)
    owned = [_filled(block.manifest(node, plan), secrets) for block in blocks]
    wanted = union(owned)
    output = host.get_fact(facts.NodeState, text=facts.script(wanted))
    seen = facts.process(output, unit_names=[unit.name for unit in wanted.units])
    sites = [
        Site(
            node=node,
            plan=plan,
            secrets=secrets,
            seen=seen,
            manifest=manifest,
            together=wanted.packages,
        )
        for manifest in owned
    ]
    if phase == phases.ACTIVATE:
        for site in sites:
            ensure_boot(site)
        ensure_reread(wanted, seen)
    for block, site in zip(blocks, sites, strict=True):
        phase_function(block, phase)(site)
    return seen.is_blank


def _filled(manifest: Manifest, secrets: Mapping[str, str]) -> Manifest:
    """The manifest with the secrets' values in its files."""
    return replace(manifest, files=tuple(with_values(file, secrets) for file in manifest.files))


def batches(phase: str, *, plan: DeployPlan, blank: bool = False) -> list[list[str]]:
    """Which hosts go at the same time, batch after batch.

    Packages are installed everywhere at once: nothing starts by it. A pair is then configured and
    activated backup first, that is the node that is preferred by fewer of its VIPs. A tier is
    activated half by half, or one by one when it is small: never all of it reloads at once. Who is
    blank serves nobody yet, and needs no order; but a pair on DRBD is activated in its own, because
    one node makes the file systems.

    Args:
        phase: one of PHASES. plan: the Deploy's. blank: nothing was ever configured on any host.
    """
    names = sorted(plan.nodes, key=lambda name: plan.nodes[name].id)
    if phase == phases.INSTALL or (phase == phases.CONFIGURE and not plan.is_pair):
        return [names]
    if blank and (phase == phases.CONFIGURE or plan.first.data is None):
        return [names]
    if plan.is_pair:
        return [[name] for name in sorted(names, key=lambda name: _weight(plan.nodes[name]))]
    size = max(1, len(names) // 2)
    return [names[start : start + size] for start in range(0, len(names), size)]


def _weight(node: NodePlan) -> tuple[int, int]:
    """The node that makes a pair's file systems comes last; else the one with more preferred VIPs,
    and where both have as many, the one with the lower id."""
    instances = node.keepalived.instances if node.keepalived else ()
    if node.data is not None:
        return int(node.data.drbd.initialiser == node.name), 0
    return sum(instance.preferred for instance in instances), -node.id


def checks(*, node: NodePlan, plan: DeployPlan) -> tuple[Check, ...]:
    """What ``pairwise verify`` tries on a node."""
    found: dict[str, Check] = {}
    for block in blocks_of(node):
        for check in block.checks(node, plan):
            found.setdefault(check.name, check)
    return tuple(found.values())


def manifests(*, node: NodePlan, plan: DeployPlan) -> tuple[Manifest, ...]:
    """What each block of a node owns, in order."""
    return tuple(block.manifest(node, plan) for block in blocks_of(node))


def render_all(plan: Plan) -> dict[str, dict[str, RenderedFile]]:
    """Every file of every node: node -> path -> file."""
    rendered: dict[str, dict[str, RenderedFile]] = {}
    for name, node in sorted(plan.nodes.items()):
        owned = manifests(node=node, plan=plan.slice(node.member))
        files = [file for manifest in owned for file in manifest.files]
        rendered[name] = {file.path: file for file in sorted(files, key=lambda f: f.path)}
    return rendered
