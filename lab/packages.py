"""Debian packages that the hypervisor machine needs, installed in one transaction."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from lab.paths import Paths
from lab.steps import StepError, command

PACKAGES = (
    "ca-certificates",
    "curl",
    "dnsmasq-base",  # libvirt's DNS for each network
    "e2fsprogs",  # mke2fs -d fills the image without mounting it
    "genisoimage",  # the libvirt provider makes cloud-init CDs with mkisofs
    "git",  # Pulumi looks for the checkout's revision
    "iproute2",
    "iptables",  # libvirt's rules for NAT networks
    "kmod",
    "libvirt-clients",
    "libvirt-daemon",
    "libvirt-daemon-system",
    "make",
    "mmdebstrap",
    "nftables",
    "openssh-client",
    "openssh-server",  # private sshds in namespaces; none is ever started as a service
    "procps",
    "python3-venv",
    "qemu-system-x86",
    "qemu-utils",
    "shellcheck",
    "util-linux",  # nsenter, unshare, flock
    "xsltproc",  # the libvirt provider applies XSLT with it
)
"""Every package, with the reason where the name does not say it."""
POLICY = Path("/usr/sbin/policy-rc.d")
"""Debian asks this program whether a package may start its services (invoke-rc.d(8))."""
DENY = "#!/bin/sh\nexit 101\n"
"""101: action forbidden by policy."""


def missing() -> list[str]:
    """Packages that are not installed."""
    if shutil.which("dpkg-query") is None:
        raise StepError("This machine is no Debian: install the hypervisor's packages by hand.")
    argv = ["dpkg-query", "--show", "--showformat", "${Package} ${db:Status-Abbrev}\n", *PACKAGES]
    done = subprocess.run(argv, check=False, capture_output=True, text=True)
    installed = {line.split()[0] for line in done.stdout.splitlines() if line.endswith("ii ")}
    return [name for name in PACKAGES if name not in installed]


def install(paths: Paths) -> None:
    """Install what is missing, in one transaction, with no service started.

    Raises:
        StepError: not root, or apt failed.
    """
    wanted = missing()
    if not wanted:
        return
    if os.geteuid() != 0:
        raise StepError(f"Packages are missing ({' '.join(wanted)}): run the command as root.")
    log = paths.logs / "packages.log"
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    with _services_stay_stopped():
        command(["apt-get", "update", "--quiet"], log=log, env=env)
        argv = ["apt-get", "install", "--yes", "--quiet", "--no-install-recommends", *wanted]
        command(argv, log=log, env=env)


@contextlib.contextmanager
def _services_stay_stopped() -> Iterator[None]:
    """The host's own libvirt must not start by being installed."""
    if POLICY.exists():
        yield
        return
    POLICY.write_text(DENY)
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        POLICY.unlink(missing_ok=True)
