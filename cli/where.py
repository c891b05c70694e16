"""``pairwise where``: a value of a node's plan and the rule that it came from."""

from __future__ import annotations

import dataclasses
import inspect
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

from cli.errors import EXIT_USAGE, CommandError
from stacks.plan_types import NodePlan, Plan

FROM_DESCRIPTION = "From the description"
"""Begins the rule of a field that is copied as it is."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """One value with its origin."""

    key: str
    """Dotted key in the node's plan."""
    value: Any
    """JSON-ready value."""
    rule: str
    """The docstring under the field, on one line."""
    source: str
    """Path in the description where the value is copied from one, else empty."""
    keys: tuple[str, ...]
    """Keys below it."""


def keys_of(node: NodePlan) -> tuple[str, ...]:
    """The first keys of a node's plan."""
    return tuple(field.name for field in dataclasses.fields(node))


def where(plan: Plan, node: NodePlan, key: str) -> Found:
    """Find a dotted key, as ``keepalived.instances.0.priority``.

    Raises:
        CommandError: there is no such key; the sentence lists those that are there.
    """
    value: Any = node
    rule, walked = "", ""
    for step in key.split("."):
        parent = value
        below = _below(value)
        if step not in below:
            place = f"{node.name}.{walked}" if walked else f"the plan of {node.name}"
            known = ", ".join(below) or "nothing, it is a plain value"
            raise CommandError(
                f"There is no key {step!r} in {place}: it has {known}.", code=EXIT_USAGE
            )
        value = below[step]
        walked = f"{walked}.{step}" if walked else step
        if dataclasses.is_dataclass(parent) and not isinstance(parent, type):
            rule = rules(type(parent)).get(step, "")
    source = source_of(plan, node, key) if rule.startswith(FROM_DESCRIPTION) else ""
    return Found(
        key=key, value=_jsonable(value), rule=rule, source=source, keys=tuple(_below(value))
    )


def _below(value: Any) -> dict[str, Any]:
    if dataclasses.is_dataclass(value):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {str(key): item for key, item in value.items()}
    if isinstance(value, tuple):
        return {str(number): item for number, item in enumerate(value)}
    return {}


def _jsonable(value: Any) -> Any:
    return TypeAdapter(type(value)).dump_python(value, mode="json") if value is not None else None


def rules(kind: type) -> dict[str, str]:
    """The docstring under each field of a dataclass, on one line."""
    import ast

    body = ast.parse(inspect.getsource(kind)).body[0]
    assert isinstance(body, ast.ClassDef)
    found: dict[str, str] = {}
    for item, following in zip(body.body, body.body[1:], strict=False):
        if (
            isinstance(item, ast.AnnAssign)
            and isinstance(item.target, ast.Name)
            and isinstance(following, ast.Expr)
            and isinstance(following.value, ast.Constant)
        ):
            found[item.target.id] = " ".join(str(following.value.value).split())
    return found


def source_of(plan: Plan, node: NodePlan, key: str) -> str:
    """Path in ``stacks/Pulumi.<stack>.yaml`` of a value that is copied from there."""
    kind = "pairs" if plan.slice(node.member).is_pair else "tiers"
    member = f"{kind}.{node.member}"
    steps = key.split(".")
    own = {"id", "vcpus", "memory_mib", "hypervisor"}
    if steps[0] in own:
        path = f"nodes.{node.name}.{steps[0]}"
    elif steps[:2] == ["keepalived", "instances"] and len(steps) == 4:
        path = _instance_source(node, member, steps)
    elif steps[0] in ("keepalived", "balancer", "web"):
        path = ".".join([member, *steps])
    elif steps[0] == "disks" and len(steps) == 3:
        path = f"{member}.disks.{node.disks[int(steps[1])].resource}.{steps[2]}"
    else:
        path = steps[0]
    return f"stacks/Pulumi.{plan.stack}.yaml: {path}"


def _instance_source(node: NodePlan, member: str, steps: list[str]) -> str:
    if steps[3] == "advert_interval_s" or node.keepalived is None:
        return f"{member}.keepalived.{steps[3]}"
    instance = node.keepalived.instances[int(steps[2])]
    return f"{member}.vips.{instance.name}.{steps[3]}"
