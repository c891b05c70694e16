"""What a director or a balancer costs a request: ``python -m benchmarks.forwarding``, on a lab.

Brings up directors before one web machine and asks for a page of 1 KiB: at the VIP through the
director with dr, then with tun; straight to the web machine, which answers for the VIP, too; with
nat, for which the web machine is in a network of its own; and through nginx as a balancer. Each way
has as many rounds, in turn where the machines are the same ones. Writes the table and a picture,
with machine, date and command, to docs/evidence/forwarding.md. Takes half an hour where processors
are emulated; the stacks are destroyed after it.
"""

from __future__ import annotations

import datetime as dt
import json
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from drills.described import write_changed
from drills.evidence import this_machine
from drills.observe import run_inside
from drills.running import ROOT, LiveStack
from drills.wait import wait_until
from lab.hypervisor import Lab

CLIENTS = 8
"""At once."""
SECONDS = 10.0
ROUNDS = 5
FORGOTTEN_S = 400
"""The kernel keeps one that has ended for two minutes (ipvsadm(8), --set), its peer somewhat
longer."""
PAGE = "/static/probe.txt"
VIP = "10.75.1.200"
NGINX_VIP = "10.71.1.201"
SERVER = "10.75.1.21"
"""The web machine, for the straight way."""
PAGES = ROOT / "docs" / "evidence" / "forwarding.md"
Found = dict[str, list[dict[str, float]]]
"""Way -> what each round told."""

ALONE = {
    "put": {
        "pairs.directors.roles": ["director"],
        "pairs.directors.director.services.www.probe": {"kind": "http", "request": PAGE},
        "tiers.web.web": {},
        "tiers.web.nodes": ["server3"],
        "tiers.web.roles": ["web", "real_server"],
    },
    "drop": (
        "pairs.directors.director.services.read",
        "pairs.directors.vips.read",
        "tiers.web.read_tier",
        "pairs.directors.mysql",
        "pairs.directors.disks",
        "pairs.directors.vips.mysql",
        "nodes.server4",
    ),
}
"""Stack lvs without a database, and with one web machine: the director adds none."""
NAT = {
    "put": {
        "networks.inside": {"id": 3, "cidr": "10.75.3.0/24"},
        "nodes.server1.networks": ["lan", "inside", "repl", "mgmt"],
        "nodes.server2.networks": ["lan", "inside", "repl", "mgmt"],
        "nodes.server3.networks": ["inside", "mgmt"],
        "pairs.directors.vips.inside": {
            "address": "10.75.3.200",
            "network": "inside",
            "prefers": "server1",
            "manager": "heartbeat",
        },
        "pairs.directors.director.forwarding": "nat",
        "pairs.directors.director.gateway": "inside",
    }
}
"""The same with the web machine in a network of its own."""
TUN = {"put": {"pairs.directors.director.forwarding": "tun"}}
NGINX = {
    "put": {
        "tiers.web.web": {},
        "tiers.web.nodes": ["web1"],
        "pairs.lb.keepalived.mode": "single",
    },
    "drop": ("pairs.data", "nodes.data1", "nodes.data2", "nodes.web2", "networks.repl"),
}
"""Stack six without its data pair, and with one web machine."""


@contextmanager
def running(name: str, folder: Path) -> Iterator[LiveStack]:
    """A stack of that folder for as long as the block lasts."""
    lab = Lab.of_checkout(ROOT)
    stack = LiveStack(name, lab.netns, lab.uri, folder)
    try:
        print(f"bringing up {name}", file=sys.stderr)
        stack.up()
        yield stack
    finally:
        stack.pairwise("destroy", name, "--yes")


def asked(stack: LiveStack, vip: str) -> dict[str, float]:
    """One round."""
    arguments = (f"http://{vip}{PAGE}", str(CLIENTS), str(SECONDS))
    command = run_inside(stack.netns, "benchmarks.http_load", *arguments)
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    told: dict[str, float] = json.loads(done.stdout)
    print(json.dumps(told), file=sys.stderr)
    return told


def forgotten(stack: LiveStack) -> None:
    """Wait until the directors know no connection any more: one that a client's port is used for
    again goes the way that it went before, which its server does not expect now."""

    def knows_none() -> bool:
        told = [stack.exec(node, "ipvsadm -Lnc") for node in ("server1", "server2")]
        return not any(" 10." in text for text in told)

    what = "both directors to have forgotten their connections"
    wait_until(knows_none, what=what, timeout_s=FORGOTTEN_S, every_s=5)


@contextmanager
def straight(stack: LiveStack) -> Iterator[None]:
    """The client's packets for the VIP go to the web machine, as a director would send them."""
    route = [f"{VIP}/32", "via", SERVER]
    stack.inside("ip", "route", "add", *route)
    try:
        yield
    finally:
        stack.inside("ip", "route", "delete", *route)


def measured(folder: Path) -> Found:
    """Every way, by name."""
    found: Found = {name: [] for name in ("direct", "dr", "tun", "nat", "nginx")}
    write_changed(folder, "lvs", ALONE)
    with running("lvs", folder) as stack:
        for _ in range(ROUNDS):
            found["dr"].append(asked(stack, VIP))
            with straight(stack):
                found["direct"].append(asked(stack, VIP))
        write_changed(folder, "lvs", ALONE, TUN)
        stack.up()
        forgotten(stack)
        found["tun"] = [asked(stack, VIP) for _ in range(ROUNDS)]
    write_changed(folder, "lvs", ALONE, NAT)
    with running("lvs", folder) as stack:
        found["nat"] = [asked(stack, VIP) for _ in range(ROUNDS)]
    write_changed(folder, "six", NGINX)
    with running("six", folder) as stack:
        found["nginx"] = [asked(stack, NGINX_VIP) for _ in range(ROUNDS)]
    return found


def page(found: Found) -> str:
    """The table and the picture."""
    direct = statistics.median(told["rate"] for told in found["direct"])
    rows, rates = [], []
    for way, rounds in found.items():
        rate = statistics.median(told["rate"] for told in rounds)
        latency = statistics.median(told["median_ms"] for told in rounds)
        failed = round(sum(told["failed"] for told in rounds))
        rows.append(f"| {way} | {rate:.0f} | {rate / direct:.2f} | {latency:.1f} | {failed} |")
        rates.append(f"{rate:.0f}")
    today = dt.datetime.now(tz=dt.UTC).date()
    return "\n".join(
        [
            "# What a director or a balancer costs a request",
            "",
            f"{today}, {this_machine()}; `python -m benchmarks.forwarding`: {CLIENTS} clients, a"
            f" new connection for each page of 1 KiB, one web machine, medians of {ROUNDS} rounds"
            f" of {SECONDS:g} s.",
            "",
            "| way | requests each second | of direct | median, ms | failed |",
            "|---|---|---|---|---|",
            *rows,
            "",
            "```mermaid",
            "xychart-beta",
            '    title "Requests each second"',
            f"    x-axis [{', '.join(found)}]",
            f"    bar [{', '.join(rates)}]",
            "```",
            "",
            "`direct`, `dr` and `tun` are rounds on the same machines; `nat` and `nginx` have"
            " machines of their own, of the same size.",
            "",
        ]
    )


def main() -> None:
    with TemporaryDirectory(prefix="pairwise-benchmark-") as folder:
        found = measured(Path(folder))
    PAGES.write_text(page(found), encoding="utf-8")
    print(page(found))


if __name__ == "__main__":
    main()
