"""How much memory the processes of a lab take."""

from __future__ import annotations

from pathlib import Path

from cli.checkout import Checkout
from lab import namespace

KIB_PER_MIB = 1024


def of_lab(netns: str, *, proc: Path = Path("/proc")) -> int:
    """MiB of all processes in the lab's namespace; shared pages are counted once (Pss)."""
    if not namespace.exists(netns):
        return 0
    return sum(_pss_kib(proc / str(pid)) for pid in namespace.processes(netns)) // KIB_PER_MIB


def _pss_kib(process: Path) -> int:
    """Proportional set size from smaps_rollup (proc(5)); 0 for a process that has ended."""
    try:
        lines = (process / "smaps_rollup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


if __name__ == "__main__":
    print(of_lab(Checkout().lab.netns))
