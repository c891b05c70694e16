"""Whether KVM works here, found out by running a guest: /dev/kvm may exist and hang."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

from lab.paths import Paths

PROBE_S = 8
"""A working KVM answers in well under a second; one that hangs never does."""
BOOT_CODE = bytes.fromhex("ba0105b000eefaf4")
"""16-bit code: mov dx,0x501; mov al,0; out dx,al (ends QEMU through isa-debug-exit); cli; hlt."""
EXIT_PORT = "0x501"
EXIT_CODE = 1
"""isa-debug-exit ends QEMU with twice the written value plus one."""


def _cache(paths: Paths) -> Path:
    return paths.lab / "kvm.json"


def known(paths: Paths) -> bool | None:
    """The probe's result, if it has been made."""
    try:
        return bool(json.loads(_cache(paths).read_text())["kvm"])
    except (OSError, ValueError, KeyError):
        return None


def probe(paths: Paths) -> bool:
    """Whether a guest runs under KVM; asked once and remembered.

    The guest is a boot sector of a few bytes that ends QEMU through a port.
    """
    found = known(paths)
    if found is None:
        found = Path("/dev/kvm").exists() and _guest_runs(paths)
        _cache(paths).parent.mkdir(parents=True, exist_ok=True)
        _cache(paths).write_text(json.dumps({"kvm": found}) + "\n")
    return found


def _guest_runs(paths: Paths) -> bool:
    qemu = shutil.which("qemu-system-x86_64")
    if qemu is None:
        return False
    paths.lab.mkdir(parents=True, exist_ok=True)
    sector = paths.lab / "kvm-probe.img"
    sector.write_bytes(BOOT_CODE.ljust(510, b"\0") + b"\x55\xaa")
    argv = [
        qemu, "-accel", "kvm", "-cpu", "host", "-m", "16", "-display", "none", "-nodefaults",
        "-device", f"isa-debug-exit,iobase={EXIT_PORT},iosize=1",
        "-drive", f"file={sector},format=raw,if=ide",
    ]  # fmt: skip
    try:
        done = subprocess.run(argv, check=False, capture_output=True, timeout=PROBE_S)
    except subprocess.TimeoutExpired:
        return False
    finally:
        sector.unlink(missing_ok=True)
    return done.returncode == EXIT_CODE
