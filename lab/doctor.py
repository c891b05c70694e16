"""What this machine has and lacks, each with the command that mends it."""

from __future__ import annotations

import os
import platform
import shutil
from dataclasses import dataclass
from pathlib import Path

from lab import image, kvm, packages, toolchain
from lab.hypervisor import MIN_FREE_GIB, Lab
from lab.paths import Paths

MIN_MEMORY_GIB = 14
"""Peak of all processes of a lab of six emulated machines must stay below this."""
CACHE_GIB = 4
"""Toolchain, image and root tree."""
MIN_PYTHON = (3, 11)


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    name: str
    ok: bool
    found: str
    remedy: str
    """Command or action that mends it; empty when there is nothing to mend."""


def examine(root: Path) -> list[Finding]:
    """Look at everything that a lab needs; changes nothing."""
    paths = Paths.of_checkout(root)
    lab = Lab(paths)
    return [*_machine(paths), *_programs(paths), *_lab(paths, lab)]


def _finding(name: str, ok: bool, found: str, remedy: str) -> Finding:
    return Finding(name, ok, found, "" if ok else remedy)


def _machine(paths: Paths) -> list[Finding]:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    existing = next(folder for folder in (paths.cache, *paths.cache.parents) if folder.exists())
    cache_free = shutil.disk_usage(existing).free / 2**30
    pool_free = shutil.disk_usage(paths.root).free / 2**30
    version = platform.python_version()
    works = kvm.known(paths)
    kvm_text = {None: "not probed yet", True: "works", False: "no: machines are emulated"}[works]
    return [
        _finding("root", os.geteuid() == 0, f"uid {os.geteuid()}", "run the command as root"),
        _finding("cores", True, str(os.cpu_count()), ""),
        _finding(
            "memory",
            memory >= MIN_MEMORY_GIB,
            f"{memory:.0f} GiB",
            f"give it {MIN_MEMORY_GIB} GiB for six emulated machines, or take a smaller stack",
        ),
        _finding(
            "cache space",
            cache_free >= CACHE_GIB,
            f"{cache_free:.0f} GiB free",
            f"free {CACHE_GIB} GiB",
        ),
        _finding(
            "pool space",
            pool_free >= MIN_FREE_GIB,
            f"{pool_free:.0f} GiB free",
            f"free {MIN_FREE_GIB} GiB",
        ),
        _finding(
            "Python",
            tuple(map(int, platform.python_version_tuple()[:2])) >= MIN_PYTHON,
            version,
            "install Python 3.11 or newer",
        ),
        # Slower, not broken: an emulated lab is complete.
        _finding("KVM", True, kvm_text, ""),
    ]


def _programs(paths: Paths) -> list[Finding]:
    missing = packages.missing()
    chain = toolchain.toolchain(paths)
    ready = toolchain.is_ready(paths)
    origin = "; ".join(f"{name}: {text}" for name, text in sorted(chain.origin.items()))
    return [
        _finding("Debian packages", not missing, " ".join(missing) or "all there", "make lab"),
        _finding("toolchain", ready, origin if ready else "not built", "make lab"),
        _finding(
            "golden image",
            image.is_baked(paths),
            image.image(paths).key if image.is_baked(paths) else "not baked",
            "make lab",
        ),
    ]


def _lab(paths: Paths, lab: Lab) -> list[Finding]:
    up = lab.is_up() if shutil.which("virsh") else False
    return [
        _finding(
            "embedded hypervisor",
            up,
            f"lab {lab.name} in namespace {lab.netns}" if up else "down",
            "pairwise lab up",
        ),
        _finding(
            "libvirt plugin",
            toolchain.plugin_installed(paths),
            f"resource-libvirt {toolchain.LIBVIRT_VERSION}",
            "make lab",
        ),
    ]
