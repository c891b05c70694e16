"""Whether KVM works here, found out by running guests: /dev/kvm may exist and hang.

Two guests are tried: a boot sector of a few bytes, which fails at once where KVM is out of reach,
then the golden image's own kernel, which hangs under some nested hypervisors that run the first.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from lab.image import image, is_baked
from lab.paths import Paths

SECTOR_S = 8
"""A working KVM runs the boot sector in well under a second; one that hangs never does."""
KERNEL_S = 20
"""A working KVM takes a kernel to its panic in about two seconds."""
BOOT_CODE = bytes.fromhex("ba0105b010eefaf4")
"""16-bit code: mov dx,0x501; mov al,16; out dx,al (ends QEMU through isa-debug-exit); cli; hlt."""
EXIT_PORT = "0x501"
EXIT_CODE = 33
"""isa-debug-exit ends QEMU with twice the written value plus one; QEMU's own errors are 1."""
PANIC = b"Kernel panic"
"""A kernel without a root disk has nothing more to do: it has come through its whole start."""
ACCELERATOR = ("-accel", "kvm", "-cpu", "host")
"""What machines get under KVM."""


def _cache(paths: Paths) -> Path:
    return paths.lab / "kvm.json"


def known(paths: Paths) -> bool | None:
    """The probe's result, if it has been made."""
    try:
        return bool(json.loads(_cache(paths).read_text())["kvm"])
    except (OSError, ValueError, KeyError):
        return None


def probe(paths: Paths) -> bool:
    """Whether guests run under KVM; asked once and remembered."""
    found = known(paths)
    if found is None:
        found = Path("/dev/kvm").exists() and works(paths)
        _cache(paths).parent.mkdir(parents=True, exist_ok=True)
        _cache(paths).write_text(json.dumps({"kvm": found}) + "\n")
    return found


def works(paths: Paths, *, accelerator: Sequence[str] = ACCELERATOR) -> bool:
    """Whether both guests run; the kernel is tried only when the image is baked."""
    qemu = shutil.which("qemu-system-x86_64")
    if qemu is None:
        return False
    argv = [qemu, *accelerator, "-display", "none", "-nodefaults", "-no-reboot"]
    if not _sector_runs(argv, paths):
        return False
    return not is_baked(paths) or _kernel_runs(argv, image(paths).kernel)


def _sector_runs(argv: Sequence[str], paths: Paths) -> bool:
    paths.lab.mkdir(parents=True, exist_ok=True)
    sector = paths.lab / "kvm-probe.img"
    sector.write_bytes(BOOT_CODE.ljust(510, b"\0") + b"\x55\xaa")
    device = f"isa-debug-exit,iobase={EXIT_PORT},iosize=1"
    drive = f"file={sector},format=raw,if=ide"
    try:
        done = _run([*argv, "-m", "16", "-device", device, "-drive", drive], timeout_s=SECTOR_S)
    finally:
        sector.unlink(missing_ok=True)
    return done is not None and done.returncode == EXIT_CODE


def _kernel_runs(argv: Sequence[str], kernel: Path) -> bool:
    words = "console=ttyS0 panic=-1 mitigations=off"
    guest = ["-m", "256", "-serial", "stdio", "-kernel", str(kernel), "-append", words]
    done = _run([*argv, *guest], timeout_s=KERNEL_S)
    return done is not None and PANIC in done.stdout


def _run(argv: Sequence[str], *, timeout_s: float) -> subprocess.CompletedProcess[bytes] | None:
    try:
        return subprocess.run(
            argv,
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=timeout_s,
        )
    except subprocess.TimeoutExpired:
        return None
