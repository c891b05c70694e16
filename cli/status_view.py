"""A stack's status as a person reads it."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from cli.status import Status


def show(status: Status, console: Console) -> None:
    """Print tables of nodes and VIPs, then the verdict with its problems."""
    nodes = Table("node", "roles", "address", "machine", "SSH", box=None, pad_edge=False)
    for node in status.nodes:
        answers = "[green]answers[/]" if node["reachable"] else "[red]no answer[/]"
        state = node["machine"]
        colour = "green" if state == "running" else "red"
        roles = ", ".join(node["roles"])
        nodes.add_row(node["name"], roles, node["address"], f"[{colour}]{state}[/]", answers)
    console.print(nodes)
    groups = Table(
        "pair", "VIP", "address", "active", "backup", "details", box=None, pad_edge=False
    )
    for pair in status.pairs:
        for group in pair["groups"]:
            groups.add_row(
                pair["name"],
                group["name"],
                ", ".join(group["vips"]),
                group["active"] or "-",
                group["backup"] or "-",
                group["details"],
            )
    if groups.row_count:
        console.print()
        console.print(groups)
    backends = Table("splitter of", "server", "address", "role", "state", box=None, pad_edge=False)
    for node in status.nodes:
        for row in node.get("backends", []):
            backends.add_row(node["name"], row["node"], row["address"], row["role"], row["state"])
    if backends.row_count:
        console.print()
        console.print(backends)
    console.print()
    if status.url:
        console.print(f"site: {status.url}", soft_wrap=True)
    for notice in status.notices:
        console.print(f"  done: {notice}", soft_wrap=True, markup=False)
    if status.healthy:
        console.print(f"[bold green]{status.stack} is healthy[/]")
        return
    count = len(status.problems)
    console.print(f"[bold red]{status.stack} has {count} problem{'s' if count > 1 else ''}[/]")
    for problem in status.problems:
        console.print(f"  - {problem}", soft_wrap=True, markup=False)
