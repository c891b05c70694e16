"""``python3 -m lab``, the lab before the pairwise command exists."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

from lab import toolchain
from lab.doctor import examine
from lab.hypervisor import Lab
from lab.setup import setup
from lab.steps import StepError, say, table

ROOT = Path(__file__).parent.parent
USAGE = "usage: python3 -m lab setup|toolchain|up|down|status|doctor"


def main(arguments: list[str]) -> int:
    """Run one command; returns the exit code."""
    if len(arguments) != 1:
        print(USAGE, file=sys.stderr)
        return 3
    try:
        return _run(arguments[0])
    except StepError as error:
        say(str(error))
        return 1


def _run(name: str) -> int:
    lab = Lab.of_checkout(ROOT)
    if name == "setup":
        print(table(setup(ROOT)), file=sys.stderr)
    elif name == "toolchain":
        # All that a preview needs on a runner whose machines are elsewhere.
        toolchain.ensure(lab.paths)
        toolchain.install_plugin(lab.paths)
    elif name == "up":
        lab.up()
    elif name == "down":
        lab.down()
    elif name == "status":
        print(json.dumps(asdict(lab.status()), indent=1))
    elif name == "doctor":
        findings = examine(ROOT)
        for finding in findings:
            mark = "ok " if finding.ok else "NO "
            remedy = f" -> {finding.remedy}" if finding.remedy else ""
            print(f"{mark} {finding.name}: {finding.found}{remedy}")
        return 0 if all(finding.ok for finding in findings) else 1
    else:
        print(USAGE, file=sys.stderr)
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
