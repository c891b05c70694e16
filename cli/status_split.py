"""Splitters as seen from outside: what each one does with each server of its pair."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cli.status_read import NodeAnswer
from stacks.plan_types import NodePlan, Plan

UP = "up"


def backends_of(node: NodePlan, answer: NodeAnswer) -> list[dict[str, str]]:
    """The splitter's table, as ``--json`` shows it: a server that is out of use has no row."""
    if node.split is None:
        return []
    places = {item.node: f"{item.address}:{node.split.port}" for item in node.split.backends}
    return [{"address": places.get(row["node"], ""), **row} for row in answer.backends]


def judge_splitters(plan: Plan, answers: Mapping[str, NodeAnswer]) -> Iterator[str]:
    """Where a splitter does something else than its pair's reconcilers say."""
    for name, node in plan.nodes.items():
        if node.split is None or name not in answers or not answers[name].reachable:
            continue
        said = {
            item.node: answers[item.node].gtid
            for item in node.split.backends
            if item.node in answers
        }
        used = {(row["node"], row["role"]) for row in answers[name].backends if row["state"] == UP}
        journal = f"`pairwise exec {plan.stack} {name} -- journalctl -u haproxy` says why."
        for peer, words in said.items():
            if words.get("role") == "source" and (peer, "source") not in used:
                yield (
                    f"The splitter of {name} does not write to {peer}, the source of pair"
                    f" {node.split.pair}: {journal}"
                )
            if _is_fit(plan, peer, words) and (peer, "replica") not in used:
                yield (
                    f"The splitter of {name} does not read from {peer}, a replica of pair"
                    f" {node.split.pair} that is not behind: {journal}"
                )


def _is_fit(plan: Plan, name: str, said: Mapping[str, object]) -> bool:
    gtid = plan.nodes[name].gtid
    lag_s = said.get("lag_s")
    return (
        gtid is not None
        and said.get("role") == "replica"
        and isinstance(lag_s, float)
        and lag_s <= gtid.max_lag_s
    )
