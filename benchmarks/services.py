"""What many virtual services cost an ``up``: ``python -m benchmarks.services``, on running lvs.

Adds 200 services of two real servers each to the two that are there (as many rows of the kernel's
table as 100 of four), then one more. Prints the machine, the date, how long an ``up`` takes that
changes nothing, with few and with many, and what the one more has changed. The stack is as
described at the end.
"""

from __future__ import annotations

import datetime as dt
import re
import statistics
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from drills.described import described_as, in_force
from drills.evidence import this_machine
from drills.running import ROOT, LiveStack
from lab.hypervisor import Lab

SERVICES = 200
FIRST_PORT = 10001
RUNS = 3
SERVICE = "pairs.directors.director.services"
CHANGED = re.compile(r"^ +(\S+: .*): changed$", re.MULTILINE)
"""An operation that has changed something, in what ``up`` says."""


def service(port: int) -> dict[str, Any]:
    """One that nobody looks at: its real servers stay in the table."""
    return {"vip": "www", "port": port, "servers": {"web": 1}, "probe": {"kind": "none"}}


def many(count: int) -> dict[str, Any]:
    """Dotted keys of so many services."""
    return {f"{SERVICE}.s{n}": service(FIRST_PORT + n) for n in range(count)}


def timed(stack: LiveStack) -> float:
    """Seconds of an ``up`` that changes nothing."""
    begin = time.monotonic()
    stack.up()
    return time.monotonic() - begin


def main() -> None:
    lab = Lab.of_checkout(ROOT)
    stack = LiveStack("lvs", lab.netns, lab.uri)
    few = [timed(stack) for _ in range(RUNS)]
    with TemporaryDirectory() as folder, in_force(stack, put=many(SERVICES)) as other:
        lots = [timed(other) for _ in range(RUNS)]
        one_more = {f"{SERVICE}.one-more": service(FIRST_PORT + SERVICES)}
        with described_as(other, Path(folder), put=one_more) as more:
            told = more.up()
        rows = stack.exec("server1", "ipvsadm -Ln | grep -c ':[0-9]'").strip()
    changed = CHANGED.findall(told.stdout + told.stderr)
    today = dt.datetime.now(tz=dt.UTC).date()
    print(f"{today}, {this_machine()}, stack lvs, {rows} rows in the kernel's table with one more")
    print("| `pairwise up lvs` without a change | median s | all |\n|---|---|---|")
    for name, seconds in (("2 services", few), (f"{SERVICES + 2} services", lots)):
        all_of = ", ".join(f"{one:.1f}" for one in seconds)
        print(f"| {name} | {statistics.median(seconds):.1f} | {all_of} |")
    print("What one more has changed:", *changed, sep="\n- ")


if __name__ == "__main__":
    main()
