"""The golden image: baked from Debian packages, booted directly with its kernel and initrd.

Kept in the cache under a key of the recipe; baked in a temporary folder and renamed when whole, so
that an interrupted bake leaves nothing that could be mistaken for an image. The root tree stays
beside the disk: tests judge every rendered file with the daemons' own checkers in it.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from lab import image_recipe as recipe
from lab.paths import Paths
from lab.steps import StepError, command, locked

ARCHIVE_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
"""Signs both releases; from package debian-archive-keyring, which every Debian has."""


@dataclass(frozen=True)
class Image:
    """A baked image."""

    disk: Path
    kernel: Path
    initrd: Path
    key: str
    root_tree: Path
    """The same files as a folder."""


def key() -> str:
    """Changes with the recipe and with this module."""
    text = Path(recipe.__file__).read_bytes() + Path(__file__).read_bytes()
    return hashlib.sha256(text).hexdigest()[:16]


def image(paths: Paths) -> Image:
    """The image of the present recipe, baked or not."""
    folder = paths.cache / "images" / key()
    return Image(
        disk=folder / "root.qcow2",
        kernel=folder / "vmlinuz",
        initrd=folder / "initrd",
        key=key(),
        root_tree=folder / "root",
    )


def is_baked(paths: Paths) -> bool:
    """Whether the image of the present recipe is in the cache."""
    return image(paths).disk.exists()


def ensure(paths: Paths) -> Image:
    """Bake the image if it is not in the cache.

    Raises:
        StepError: a tool failed; its last lines are in the text.
    """
    wanted = image(paths)
    if is_baked(paths):
        return wanted
    # One bake at a time on a machine: a second checkout waits for the first one's image.
    with locked(paths.cache / "images" / "lock"):
        if not is_baked(paths):
            _bake_and_rename(wanted, paths)
    return wanted


def _bake_and_rename(wanted: Image, paths: Paths) -> None:
    final = wanted.disk.parent
    for interrupted in final.parent.glob(".*"):
        shutil.rmtree(interrupted)
    work = final.with_name(f".{final.name}")
    work.mkdir()
    try:
        _bake(work, paths.logs / "image.log")
        shutil.rmtree(final, ignore_errors=True)
        work.rename(final)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _bake(work: Path, log: Path) -> None:
    root = work / "root"
    _install(work, root, log)
    settle(root, log)
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


def _install(work: Path, root: Path, log: Path) -> None:
    """mmdebstrap with both releases; sid only for the packages that the pins let through."""
    pins = work / "preferences"
    pins.write_text(recipe.PREFERENCES)
    source = archive()
    signed = f"[signed-by={ARCHIVE_KEYRING}]"
    argv = [
        "mmdebstrap", "--variant=minbase", "--format=directory",
        "--dpkgopt=force-confold",
        # The sid Release file of a mirror that stands still has expired.
        '--aptopt=Acquire::Check-Valid-Until "false"',
        '--aptopt=APT::Install-Recommends "false"',
        '--setup-hook=mkdir -p "$1/etc/apt/preferences.d"',
        f'--setup-hook=cp {pins} "$1/etc/apt/preferences.d/pairwise"',
        f"--include={','.join(recipe.PACKAGES)}",
        f"--customize-hook=chroot \"$1\" sh -c '{_keep_packages()}'",
        recipe.RELEASE, str(root),
        f"deb {signed} {source} {recipe.RELEASE} main",
        f"deb {signed} {source} sid main",
    ]  # fmt: skip
    command(argv, log=log)


def _keep_packages() -> str:
    """Shell command that downloads the kept packages into the image's own source."""
    whole = " ".join(recipe.KEPT_WITH_NEEDS)
    # A rehearsal of their removal names what would go with them.
    needs = f"apt-get -q -s remove --auto-remove {whole}"
    names = f'{" ".join(recipe.KEPT_PACKAGES)} $({needs} | sed -n "s/^Remv \\([^ ]*\\).*/\\1/p")'
    download = f"apt-get -q -o APT::Sandbox::User=root download {names}"
    return f"mkdir -p {recipe.PACKAGE_FOLDER} && cd {recipe.PACKAGE_FOLDER} && {download}"


def _index_packages(root: Path) -> None:
    """The index of the image's own source: control fields of each file, its size and its hash."""
    folder = root / recipe.PACKAGE_FOLDER.lstrip("/")
    entries = []
    for path in sorted(folder.glob("*.deb")):
        control = subprocess.check_output(["dpkg-deb", "--field", str(path)], text=True).rstrip()
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        size = path.stat().st_size
        entries.append(f"{control}\nFilename: ./{path.name}\nSize: {size}\nSHA256: {digest}\n")
    (folder / "Packages").write_text("\n".join(entries), encoding="utf-8")


def archive() -> str:
    """The Debian archive that this machine's apt uses itself."""
    done = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI) $(ORIGIN) $(COMPONENT)"],
        check=False,
        capture_output=True,
        text=True,
    )
    for line in done.stdout.splitlines():
        uri, *rest = line.split()
        if rest == ["Debian", "main"] and "security" not in uri:
            return uri
    raise StepError("apt knows no Debian archive: run `apt-get update`, then the command again.")


def settle(root: Path, log: Path) -> None:
    """Kernel settings, switched-off units, and nothing that two machines must not share."""
    _write(root, "etc/initramfs-tools/modules", "\n".join(recipe.INITRD_MODULES) + "\n")
    _write(root, "etc/initramfs-tools/conf.d/pairwise", "MODULES=list\nCOMPRESS=lz4\n")
    _write(root, "etc/modprobe.d/pairwise.conf", recipe.MODPROBE_CONFIG)
    _write(root, "etc/initramfs-tools/hooks/pairwise-without-udev", recipe.INITRD_HOOK)
    (root / "etc/initramfs-tools/hooks/pairwise-without-udev").chmod(0o755)
    command(["chroot", str(root), "update-initramfs", "-u"], log=log)
    for unit in recipe.DISABLED_UNITS:
        argv = ["systemctl", f"--root={root}", "disable", "--quiet", unit]
        subprocess.run(argv, check=False, capture_output=True)
    for unit in recipe.ENABLED_UNITS:
        command(["systemctl", f"--root={root}", "enable", "--quiet", unit], log=log)
    for unit in recipe.MASKED_UNITS:
        command(["systemctl", f"--root={root}", "mask", "--quiet", unit], log=log)
    for name in recipe.MASKED_GENERATORS:
        _mask(root, f"etc/systemd/system-generators/{name}")
    _write(root, "etc/systemd/system/systemd-udev-trigger.service.d/pairwise.conf", recipe.COLDPLUG)
    # drbdadm loads its module itself; without a disk to replicate nothing needs it.
    _mask(root, "etc/modules-load.d/drbd.conf")
    _write(root, "etc/cloud/cloud.cfg", recipe.CLOUD_CONFIG)
    logging = root / "etc/cloud/cloud.cfg.d/05_logging.cfg"
    logging.write_text(logging.read_text().replace("level=DEBUG", "level=INFO"))
    _write(root, "etc/systemd/journald.conf.d/pairwise.conf", recipe.JOURNALD_CONFIG)
    _write(root, "etc/fstab", recipe.FSTAB)
    _write(root, "etc/machine-id", "")
    command(["chroot", str(root), "passwd", "--lock", "root"], log=log)
    _index_packages(root)
    for path in (root / "etc/apt/sources.list.d").glob("*"):
        path.unlink()
    _write(root, "etc/apt/sources.list", recipe.SOURCES)
    for path in (root / "etc/ssh").glob("ssh_host_*"):
        path.unlink()
    for name in ("var/lib/apt/lists", "var/cache/apt", "var/lib/dbus", "var/log"):
        for path in (root / name).glob("*"):
            if path.is_file() or path.is_symlink():
                path.unlink()
            elif name == "var/lib/apt/lists":
                shutil.rmtree(path)
    command(["chroot", str(root), "apt-get", "-q", "update"], log=log)
    # Newer than /usr: no boot rebuilds the linker's cache and other caches (systemd.unit(5),
    # ConditionNeedsUpdate).
    for name in ("etc/.updated", "var/.updated"):
        _write(root, name, "")


def _mask(root: Path, name: str) -> None:
    """An empty file of the administrator's hides the distribution's (systemd.generator(7))."""
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to("/dev/null")


def _write(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def run_in_root(
    image: Image, argv: Sequence[str], *, files: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run a program of the image on given files, without changing the image.

    The root tree is covered by an overlay in a mount namespace of its own.

    Args:
        image: A baked image.
        argv: The program and its arguments, as inside the image.
        files: Absolute path inside the image -> text.
    """
    with TemporaryDirectory(prefix="pairwise-root-") as folder:
        work = Path(folder)
        for name in ("upper", "tmpfs", "root"):
            (work / name).mkdir()
        for path, text in files.items():
            _write(work / "upper", path.lstrip("/"), text)
        script = "\n".join(
            [
                "set -e",
                "mount --make-rprivate /",
                f"mount -t tmpfs tmpfs {work}/tmpfs",
                f"mkdir {work}/tmpfs/upper {work}/tmpfs/work",
                f"cp -a {work}/upper/. {work}/tmpfs/upper/",
                f"mount -t overlay overlay -o lowerdir={image.root_tree},"
                f"upperdir={work}/tmpfs/upper,workdir={work}/tmpfs/work {work}/root",
                f"mount -t proc proc {work}/root/proc",
                f"mount -t tmpfs tmpfs {work}/root/run",
                f"mount --bind /dev {work}/root/dev",
                f'exec chroot {work}/root "$@"',
            ]
        )
        enter = ["unshare", "--mount", "--net", "sh", "-c", script, "sh"]
        return subprocess.run([*enter, *argv], check=False, capture_output=True, text=True)
