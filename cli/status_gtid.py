"""GTID pairs as seen from outside: who is source, how far behind the replica is, what is wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cli.status_read import NodeAnswer
from stacks.plan_gtid_types import SOURCE
from stacks.plan_types import DeployPlan

FRESH_S = 15.0
"""Age of a reconciler's words that are still of now: it says them each second."""


def judge_replication(
    stack: str, part: DeployPlan, answers: Mapping[str, NodeAnswer]
) -> tuple[list[dict[str, Any]], list[str]]:
    """The replication of a pair as ``--json`` shows it, and its problems; none without GTID."""
    node = part.first
    if node.gtid is None:
        return [], []
    said = {name: answers[name].gtid for name in sorted(part.nodes) if name in answers}
    sources = [name for name, words in said.items() if words.get("role") == "source"]
    replicas = [name for name, words in said.items() if words.get("role") == "replica"]
    active = sources[0] if len(sources) == 1 else None
    group = {
        "name": SOURCE,
        "kind": "gtid",
        "active": active,
        "backup": replicas[0] if active and replicas else None,
        "vips": [str(node.gtid.mysql.vip)],
        "details": ", ".join(f"{name} {_words(words)}" for name, words in said.items()),
    }
    return [group], list(_problems(stack, part, answers, sources))


def stands_by(answer: NodeAnswer) -> bool:
    """Whether a node leaves the VIPs to the source that it knows, as a replica should: keepalived
    is in FAULT there."""
    said = answer.gtid
    return said.get("role") == "replica" and bool(said["source"]) and not said["may_hold"]


def why_no_vip(answer: NodeAnswer) -> str:
    """Why the reconciler lets a node hold no VIP; empty where that is not the reason."""
    said = answer.gtid
    if said.get("may_hold", True):
        return ""
    return f"its MySQL is {said['role']}, and {said['held_for']}"


def _words(said: Mapping[str, Any]) -> str:
    if not said:
        return "silent"
    words = [str(said["role"])]
    if said["role"] == "source" and said["alone"]:
        words.append("alone")
    if said["lag_s"] is not None:
        words.append(f"{said['lag_s']:.1f} s behind")
    return " ".join(words)


def _problems(
    stack: str, part: DeployPlan, answers: Mapping[str, NodeAnswer], sources: list[str]
) -> Iterator[str]:
    what = f"MySQL of pair {part.deploy}"
    reached = [name for name in sorted(part.nodes) if name in answers and answers[name].reachable]
    if len(sources) > 1:
        yield (
            f"{what} may be written to on {' and '.join(sources)} at once: switch one off now with"
            f" `pairwise stop {stack} {sources[-1]}`, then `pairwise replication check {stack}`."
        )
    elif not sources and reached:
        yield f"{what} may be written to nowhere: `pairwise replication check {stack}` says why."
    for name in reached:
        said, age_s = answers[name].gtid, answers[name].gtid_age_s
        if not said or age_s > FRESH_S:
            yield (
                f"The reconciler of {name} says nothing: `pairwise exec {stack} {name} --"
                " journalctl -u pairwise-gtid` says why."
            )
            continue
        for problem in said["problems"]:
            yield f"{_sentence(problem['text'])}: `{problem['command']}`."


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] if text.startswith("writes") else text
