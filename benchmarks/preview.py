"""How long a no-change preview takes, and of what: ``python -m benchmarks.preview [STACK]``.

Prints the machine, the date, and for each part the median and maximum of five runs in turn:
the whole ``pairwise preview``, Pulumi alone (``--offline``, no machine asked), and a bare SSH
round trip to every node side by side, which is the floor.
"""

from __future__ import annotations

import argparse
import datetime as dt
import statistics
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from drills.evidence import this_machine
from stacks.load import load_stack, stack_file
from stacks.plan import make_plan

ROOT = Path(__file__).parent.parent
PAIRWISE = str(ROOT / ".venv" / "bin" / "pairwise")
RUNS = 5


def timed(*command: str) -> float:
    """Seconds that a command takes."""
    begin = time.monotonic()
    subprocess.run(["nice", "-n", "10", *command], check=True, capture_output=True, cwd=ROOT)
    return time.monotonic() - begin


def round_trips(stack: str, nodes: list[str]) -> float:
    """Seconds until every node has answered one command, all asked at once."""
    begin = time.monotonic()
    with ThreadPoolExecutor(len(nodes)) as pool:
        list(pool.map(lambda node: timed(PAIRWISE, "exec", stack, node, "--", "true"), nodes))
    return time.monotonic() - begin


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("stack", nargs="?", default="six")
    stack = parser.parse_args().stack
    nodes = sorted(make_plan(load_stack(stack_file(ROOT / "stacks", stack))).nodes)
    parts: dict[str, list[float]] = {"preview": [], "offline preview": [], "ssh to all nodes": []}
    for _ in range(RUNS):
        parts["preview"].append(timed(PAIRWISE, "preview", stack, "--json"))
        parts["offline preview"].append(timed(PAIRWISE, "preview", stack, "--json", "--offline"))
        parts["ssh to all nodes"].append(round_trips(stack, nodes))
    today = dt.datetime.now(tz=dt.UTC).date()
    print(f"{today}, {this_machine()}, stack {stack}")
    print("| part | median s | maximum s | ratio to ssh |\n|---|---|---|---|")
    floor = statistics.median(parts["ssh to all nodes"])
    for name, seconds in parts.items():
        median = statistics.median(seconds)
        print(f"| {name} | {median:.1f} | {max(seconds):.1f} | {median / floor:.1f} |")


if __name__ == "__main__":
    main()
