"""All set-up of a machine, step by step; what is done is not done again."""

from __future__ import annotations

import os
from pathlib import Path

from lab import image, kvm, packages, toolchain
from lab.hypervisor import Lab
from lab.paths import Paths
from lab.steps import Step, run_steps


def setup(root: Path) -> dict[str, float]:
    """Bring a machine to the point where a stack can be brought up; returns seconds per step.

    Raises:
        StepError: one sentence, with the last lines of what failed.
    """
    os.environ["PATH"] = with_sbin(os.environ.get("PATH", ""))
    paths = Paths.of_checkout(root)
    lab = Lab(paths)
    return run_steps(
        paths,
        [
            [
                Step(
                    "Debian packages",
                    lambda: not packages.missing(),
                    lambda: packages.install(paths),
                )
            ],
            # Side by side: one is bound by the processor, the other by downloads and the disk.
            [
                Step(
                    "toolchain",
                    lambda: toolchain.is_ready(paths),
                    lambda: _ignore(toolchain.ensure(paths)),
                ),
                Step(
                    "golden image",
                    lambda: image.is_baked(paths),
                    lambda: _ignore(image.ensure(paths)),
                ),
            ],
            [
                Step(
                    "libvirt provider plugin",
                    lambda: toolchain.plugin_installed(paths),
                    lambda: toolchain.install_plugin(paths),
                ),
                Step(
                    "KVM probe",
                    lambda: kvm.known(paths) is not None,
                    lambda: _ignore(kvm.probe(paths)),
                ),
            ],
            [Step("embedded hypervisor", lab.is_up, lab.up)],
        ],
    )


def _ignore(_: object) -> None:
    """A step returns nothing."""


def with_sbin(path: str) -> str:
    """PATH with the folders of system programs, which a plain user's PATH lacks."""
    folders = path.split(os.pathsep)
    return os.pathsep.join([*folders, *(f for f in ("/usr/sbin", "/sbin") if f not in folders)])
