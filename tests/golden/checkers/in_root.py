"""Runs a checker inside the golden image's root tree, in a network of its own."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

from bootstrap.managed import Manifest, union
from lab.image import Image, run_in_root
from stacks.plan_types import NodePlan

CANDIDATE = "/etc/pairwise-candidate"
CLOUD_INIT = {
    "user-data": "cloud-init schema --config-file %s",
    "network-config": "cloud-init schema --schema-type network-config --config-file %s",
}
"""cloud-init's own checker for the files of the NoCloud disk; meta-data has none."""


def setting(node: NodePlan, owned: tuple[Manifest, ...]) -> str:
    """Shell text: what the node has when a file is judged there: cards, addresses, users."""
    wanted = union(owned)
    lines = ["set -e", "ip link set lo up"]
    for interface in node.interfaces:
        lines += [
            f"ip link add {interface.name} type dummy",
            f"ip address add {interface.address}/{interface.prefix} dev {interface.name}",
            f"ip link set {interface.name} up",
        ]
    for user in wanted.users:
        lines.append(f"useradd --system --user-group --shell {user.shell} {user.name}")
    lines += [f"chmod {file.mode:04o} {file.path}" for file in wanted.files if file.mode & 0o111]
    # A key of the machine's own, as cloud-init makes it.
    lines.append("rm -f /etc/ssh/ssh_host_*; ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key")
    return "; ".join(lines)


def judge(
    image: Image, *, node: NodePlan, owned: tuple[Manifest, ...], check: str, content: str
) -> subprocess.CompletedProcess[str]:
    """Run one checker on one candidate, beside the node's executable files."""
    wanted = union(owned)
    files = {file.path: file.content for file in wanted.files if file.mode & 0o111}
    script = f"{setting(node, owned)}; {check.replace('%s', CANDIDATE)}"
    argv = ["unshare", "--net", "sh", "-c", script]
    return run_in_root(image, argv, files={**files, CANDIDATE: content})


def baked() -> Image | None:
    """The golden image when it has been baked, the newest one."""
    return None if not IMAGES.is_dir() else _newest()


IMAGES = Path.home() / ".cache" / "pairwise" / "images"


def _newest() -> Image | None:
    found = [folder for folder in IMAGES.iterdir() if (folder / "root").is_dir()]
    return None if not found else _image(max(found, key=lambda folder: folder.stat().st_mtime))


def _image(folder: Path) -> Image:
    raise NotImplementedError(shlex.quote(str(folder)))
