"""A stack's status as a person reads it."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from cli.status import Status


def _show_services(status: Status, console: Console) -> None:
    """A table for each pair of directors: both nodes' states and connections side by side."""
    for pair in status.pairs:
        rows = pair.get("services", [])
        columns = [f"on {name}" for name in pair["nodes"]]
        table = Table("service", "address", "server", "weight", *columns, box=None, pad_edge=False)
        for row in rows:
            cells = [
                f"{seen['state']}, {seen['connections']} connected" if seen else "-"
                for seen in (row["directors"].get(name) for name in pair["nodes"])
            ]
            table.add_row(row["name"], row["address"], row["server"], str(row["weight"]), *cells)
        if rows:
            console.print()
            console.print(table)


def _show_replicas(status: Status, console: Console) -> None:
    """Each replica of a read tier, and how far it is."""
    table = Table("replica on", "of", "source", "state", "behind", box=None, pad_edge=False)
    for node in status.nodes:
        said = node.get("replica")
        if said:
            lag = "-" if said["lag_s"] is None else f"{said['lag_s']} s"
            table.add_row(node["name"], said["pair"], said["source"], said["state"], lag)
    if table.row_count:
        console.print()
        console.print(table)


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
    _show_replicas(status, console)
    _show_services(status, console)
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
