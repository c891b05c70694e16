"""A minimal image, for the proof that deploys bring what a stock image lacks.

The golden image's recipe without the roles' packages: it boots, answers SSH and runs cloud-init.
What the roles need, with all that they depend on, is kept as files in a folder that the lab's HTTP
server hands out (``lab.server``); the image's apt knows that source and no other.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Sequence
from pathlib import Path

from lab import image, server
from lab import image_recipe as recipe
from lab.image import Image
from lab.paths import Paths
from lab.steps import command, locked

PACKAGES = (
    "systemd-sysv", "dbus", "udev", "linux-image-amd64", "initramfs-tools", "lz4", "kmod",
    "openssh-server", "python3", "iproute2", "procps", "e2fsprogs", "cloud-init",
    "ca-certificates",
)  # fmt: skip
"""What a cloud image has at least."""
HANDED_OUT = (
    *recipe.KEPT_PACKAGES, "memcached", "php-memcached", "php8.4-fpm", "php8.4-mysql",
    "drbd-utils", "heartbeat", "cluster-glue", "resource-agents", "iputils-arping",
    "openssh-client", "nfs-kernel-server", "nfs-common", "haproxy",
    "ipvsadm", "ldirectord",
)  # fmt: skip
"""What the blocks ask for; a test compares it with their manifests."""
IN_NO_RELEASE = ("mysql-server", "mysql-client", "mysql-router")
"""Only Debian's sid has them, and this image is made of one release: a stack with MySQL on a stock
image takes them from its vendor's own repository."""


def key(source: str) -> str:
    """Changes with the recipes and with the address of the package source."""
    text = Path(__file__).read_bytes() + image.key().encode() + source.encode()
    return hashlib.sha256(text).hexdigest()[:16]


def minimal(paths: Paths, *, hypervisor: str) -> Image:
    """The minimal image for machines that reach the hypervisor at an address, baked or not.

    Its kernel and initrd lie beside its disk, where ``image:`` in a description finds them.
    """
    name = key(_source(hypervisor))
    folder = paths.cache / "images" / f"minimal-{name}"
    return Image(
        disk=folder / "root.qcow2",
        kernel=folder / "vmlinuz",
        initrd=folder / "initrd",
        key=name,
        root_tree=folder / "root",
    )


def ensure(paths: Paths, *, hypervisor: str) -> Image:
    """Bake the minimal image and make the package source, where they are not there.

    Args:
        paths: of the lab. hypervisor: its address in the machines' management network.

    Raises:
        StepError: a tool failed; its last lines are in the text.
    """
    wanted = minimal(paths, hypervisor=hypervisor)
    folder = wanted.disk.parent
    with locked(paths.cache / "images" / "lock"):
        if not wanted.disk.exists():
            work = folder.with_name(f".{folder.name}")
            shutil.rmtree(work, ignore_errors=True)
            work.mkdir(parents=True)
            try:
                _bake(work, _source(hypervisor), paths.logs / "image-minimal.log")
                shutil.rmtree(folder, ignore_errors=True)
                work.rename(folder)
            finally:
                shutil.rmtree(work, ignore_errors=True)
    _hand_out(folder / "packages", paths.packages)
    return wanted


def _source(hypervisor: str) -> str:
    """apt's only source: it came in with the signed archive's files, as the golden image's own."""
    return f"deb [trusted=yes] http://{hypervisor}:{server.PORT}{server.PACKAGES_PATH} ./\n"


def _bake(work: Path, source: str, log: Path) -> None:
    root = work / "root"
    command(_mmdebstrap(root, HANDED_OUT), log=log)
    image.settle(root, log)
    shutil.move(root / recipe.PACKAGE_FOLDER.lstrip("/"), work / "packages")
    (root / "etc/apt/sources.list").write_text(source, encoding="utf-8")
    for stale in (root / "var/lib/apt/lists").glob("*_Packages"):
        stale.unlink()
    for name, pattern in (("vmlinuz", "vmlinuz-*"), ("initrd", "initrd.img-*")):
        shutil.copyfile(next((root / "boot").glob(pattern)), work / name)
    raw = work / "root.img"
    with raw.open("wb") as handle:
        handle.truncate(recipe.DISK_GIB * 2**30)
    argv = ["mke2fs", "-q", "-t", "ext4", "-L", "root", "-E", "root_owner=0:0", "-d", str(root)]
    command([*argv, str(raw)], log=log)
    disk = str(work / "root.qcow2")
    command(["qemu-img", "convert", "-O", "qcow2", str(raw), disk], log=log)
    raw.unlink()


def _mmdebstrap(root: Path, kept: Sequence[str]) -> list[str]:
    """The release only; what is kept is downloaded with what it depends on and is not installed."""
    fetch = (
        "apt-get -q -y -o APT::Sandbox::User=root --no-install-recommends --download-only install "
        f"{' '.join(kept)} && mkdir -p {recipe.PACKAGE_FOLDER} && "
        f"mv /var/cache/apt/archives/*.deb {recipe.PACKAGE_FOLDER}"
    )
    return [
        "mmdebstrap", "--variant=minbase", "--format=directory",
        "--dpkgopt=force-confold",
        '--aptopt=Acquire::Check-Valid-Until "false"',
        '--aptopt=APT::Install-Recommends "false"',
        f"--include={','.join(PACKAGES)}",
        f"--customize-hook=chroot \"$1\" sh -c '{fetch}'",
        recipe.RELEASE, str(root),
        f"deb [signed-by={image.ARCHIVE_KEYRING}] {image.archive()} {recipe.RELEASE} main",
    ]  # fmt: skip


def _hand_out(made: Path, served: Path) -> None:
    """A link from where the server looks; it is replaced whole."""
    partial = served.with_name(f".{served.name}")
    partial.unlink(missing_ok=True)
    partial.symlink_to(made)
    partial.replace(served)
