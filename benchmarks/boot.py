"""What a boot costs: processor seconds of one emulated machine until its console asks for a login.

As root, with the image baked (`make lab`) and nothing beside it: ``python -m benchmarks.boot``.
A machine of the golden image, with three cards that lead nowhere, boots for the first time, and
without cloud-init as every later time. ``--append WORDS`` adds to the kernel's command line.
Prints the machine, the date, and both as medians with all runs, in turn on a new disk each.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from components._libvirt import EMULATED, KERNEL_PARAMETERS, KERNEL_WORDS
from drills.evidence import this_machine
from lab.image import Image, image
from lab.paths import Paths

CARDS = 3
MEMORY_MIB = 1024
PROMPT = b"login:"
MOST_S = 300.0
"""After which a machine that has asked for nothing is given up."""
BOOTS = {"first": "", "later": "cloud-init=disabled"}
"""Name of a boot, and what it adds to that."""


def kernel_words() -> str:
    """The kernel's command line of an emulated machine."""
    values = {**KERNEL_PARAMETERS, **EMULATED}
    return " ".join([*(f"{name}={value}" for name, value in values.items()), KERNEL_WORDS])


def seed(folder: Path) -> Path:
    """A CD that cloud-init reads, with a name and nothing else."""
    (folder / "meta-data").write_text("instance-id: benchmark\nlocal-hostname: benchmark\n")
    (folder / "user-data").write_text("#cloud-config\n{}\n")
    disc = folder / "seed.iso"
    files = [str(folder / name) for name in ("meta-data", "user-data")]
    command = ["genisoimage", "-quiet", "-output", str(disc), "-volid", "cidata", "-rock", *files]
    subprocess.run(command, check=True)
    return disc


def boot(made: Image, words: str) -> float:
    """Processor seconds of one boot."""
    with TemporaryDirectory(prefix="pairwise-boot-") as name:
        folder = Path(name)
        disk, disc = folder / "root.qcow2", seed(folder)
        over = ["-F", "qcow2", "-b", str(made.disk), str(disk)]
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", *over], check=True)
        argv = [
            "qemu-system-x86_64", "-machine", "pc", "-accel", "tcg,tb-size=512", "-cpu", "max",
            "-m", str(MEMORY_MIB), "-display", "none", "-nodefaults", "-no-user-config",
            "-kernel", str(made.kernel), "-initrd", str(made.initrd),
            "-append", f"{kernel_words()} {words}", "-serial", "stdio",
            "-drive", f"file={disk},if=virtio", "-drive", f"file={disc},media=cdrom,readonly=on",
        ]  # fmt: skip
        for number in range(CARDS):
            argv += ["-netdev", f"hubport,id=n{number},hubid={number}"]
            argv += ["-device", f"virtio-net-pci,netdev=n{number}"]
        with subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        ) as machine:
            try:
                return _until_login(machine)
            finally:
                machine.kill()


def _until_login(machine: subprocess.Popen[bytes]) -> float:
    assert machine.stdout is not None
    ends, said = time.monotonic() + MOST_S, b""
    while PROMPT not in said:
        said += os.read(machine.stdout.fileno(), 4096)
        if machine.poll() is not None or time.monotonic() > ends:
            sys.exit(f"the machine asked for no login; it said last: {said[-500:]!r}")
    fields = Path(f"/proc/{machine.pid}/stat").read_text().rpartition(")")[2].split()
    # utime and stime (proc(5)), which are the 14th and 15th of all.
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--append", default="", metavar="WORDS")
    asked = parser.parse_args()
    made = image(Paths.of_checkout(Path(__file__).parent.parent))
    if not made.disk.exists():
        sys.exit("The golden image is not baked: `make lab`.")
    runs: dict[str, list[float]] = {name: [] for name in BOOTS}
    for _ in range(asked.runs):
        for name, words in BOOTS.items():
            runs[name].append(boot(made, f"{words} {asked.append}"))
    print(f"{this_machine()}, {dt.datetime.now(dt.UTC):%Y-%m-%d %H:%M} UTC, image {made.key}")
    for name, found in runs.items():
        each = ", ".join(f"{seconds:.1f}" for seconds in found)
        print(f"{name} boot: {statistics.median(found):.1f} s of one processor ({each})")


if __name__ == "__main__":
    main()
