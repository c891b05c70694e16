"""Replicas of read tiers as seen from outside: whether each one may be read from, and why not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cli.status_read import NodeAnswer
from stacks.plan_instances import FollowPlan
from stacks.plan_types import NodePlan, Plan

UNHEARD_S = 60.0
"""Silence of a source that no take-over explains: what its replicas answer may be old by then."""
SILENT_S = 30.0
"""Age of a replica's word from which its agent is stuck."""
COPIES = "it copies"
"""An agent that copies says nothing new until it has."""
COPY = ("cannot apply", "needs a new copy")
"""What a person mends by a copy."""
RESTART = "does not number"
"""What ends with the source's next start."""


def follows_of(node: NodePlan) -> FollowPlan | None:
    """What the node's replica follows; none where it has none."""
    return next((one.follows for one in node.instances if one.follows is not None), None)


def replica_of(node: NodePlan, answer: NodeAnswer) -> dict[str, Any] | None:
    """The replica as ``--json`` shows it; none where the node has none, or has said nothing."""
    follows = follows_of(node)
    if follows is None or not answer.replica:
        return None
    return {
        "pair": follows.pair,
        "source": f"{follows.source}:{follows.port}",
        "state": "in step" if answer.replica.get("fit") else "out",
        "lag_s": answer.replica.get("lag_s"),
        "why": str(answer.replica.get("why", "")),
    }


def judge_replicas(plan: Plan, answers: Mapping[str, NodeAnswer]) -> Iterator[str]:
    """Replicas that nobody reads from."""
    for name, node in plan.nodes.items():
        follows = follows_of(node)
        if follows is None or name not in answers or not answers[name].reachable:
            continue
        said = answers[name].replica
        journal = f"`pairwise exec {plan.stack} {name} -- journalctl -u pairwise-read-replica`"
        copies = str(said.get("why", "")).startswith(COPIES)
        if not said or (answers[name].replica_age_s > SILENT_S and not copies):
            yield f"Nobody looks at the replica of {name}: {journal} says why."
        elif not said.get("fit"):
            why = ", ".join(text for text in (said.get("why"), said.get("failed")) if text)
            yield (
                f"The replica of {name} is out of its read tier: {why}."
                f" {_hint(plan, name, follows, why, journal)}"
            )
        elif said.get("silent_s", 0.0) > UNHEARD_S:
            yield (
                f"The replica of {name} has not heard of its source for {said['silent_s']:.0f} s"
                f" and is read from: what is written meanwhile it lacks. `pairwise exec"
                f" {plan.stack} {name} -- ip neigh show {follows.source}` says whom it takes for"
                f" that."
            )


def _hint(plan: Plan, node: str, follows: FollowPlan, why: str, journal: str) -> str:
    if any(words in why for words in COPY):
        return f"`pairwise replication rebuild {plan.stack} {node}` copies its source anew."
    if RESTART in why:
        return f"`pairwise switchover {plan.stack} {follows.pair}/mysql` starts it so."
    return f"{journal} says more."
