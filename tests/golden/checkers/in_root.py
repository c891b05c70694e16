"""Runs checkers inside the golden image's root tree, each in a network of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from bootstrap.managed import ManagedFile
from lab.image import Image, image, is_baked, run_in_root
from lab.paths import Paths
from stacks.plan_types import NodePlan

CANDIDATE = "/etc/pairwise-candidate"
CHECKOUT = Path(__file__).parents[3]


def baked() -> Image:
    """The image of the present recipe; a test that finds none is skipped, with the reason."""
    paths = Paths.of_checkout(CHECKOUT)
    if not is_baked(paths):
        pytest.fail("the golden image is not baked: `make lab` bakes it")
    return image(paths)


def judge(
    root: Image, node: NodePlan, files: list[ManagedFile], cases: list[tuple[str, str, str]]
) -> dict[str, str]:
    """Try many candidates on one node; return what was refused: name -> the checker's words.

    Args:
        root: the image. node: whose cards, addresses and users the checkers find.
        files: the node's files; its programs are put in place.
        cases: name, checker with ``%s``, content.
    """
    programs = {file.path: file for file in files if file.mode & 0o111}
    texts = {path: file.content for path, file in programs.items()}
    script = [*_setting(node), *(f"chmod {f.mode:04o} {path}" for path, f in programs.items())]
    for number, (name, check, content) in enumerate(cases):
        path = f"{CANDIDATE}-{number}"
        texts[path] = content
        script.append(
            f"out=$( ( {check.replace('%s', path)} ) 2>&1 ) || "
            f"printf '%s\\n' '#refused {name}' \"$out\""
        )
    argv = ["unshare", "--net", "sh", "-c", "\n".join(script)]
    done = run_in_root(root, argv, files=texts)
    assert "#ready" in done.stdout, done.stderr
    found = done.stdout.split("#refused ")[1:]
    return {text.partition("\n")[0]: text.partition("\n")[2].strip() for text in found}


def _setting(node: NodePlan) -> list[str]:
    """What the machine has when a file is judged on it; a bridge stands for each card, because not
    every kernel that tests run on has dummies."""
    lines = ["exec 2>&1", "ip link set lo up"]
    for interface in node.interfaces:
        lines += [
            f"ip link add {interface.name} type bridge",
            f"ip address add {interface.address}/{interface.prefix} dev {interface.name}",
            f"ip link set {interface.name} up",
        ]
    return [
        *lines,
        "id healthcheck >/dev/null 2>&1 || useradd --system --user-group healthcheck",
        "id pairwise-notify >/dev/null 2>&1 || useradd --system --user-group pairwise-notify",
        "ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key",
        "echo '#ready'",
    ]
