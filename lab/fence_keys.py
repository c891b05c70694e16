"""Who may ask the fence endpoint for what: files of its state folder, and nothing else.

For each pair there is ``STACK-PAIR.json``, which the endpoint reads to know the only two machines
that it may touch. ``authorized_keys`` follows from all of these files: one line for each node, with
the endpoint as its forced command. Standard library only; the provider writes through it as well.
"""

from __future__ import annotations

import json
import re
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lab.fence_endpoint import locked
from lab.steps import locked as folder_locked

AUTHORIZED_KEYS = "authorized_keys"
"""Name of the file that sshd reads."""
PROGRAM = Path(__file__).with_name("fence_endpoint.py")
"""The endpoint."""
MARK_SUFFIX = ".shot.json"
"""Ends the names of the endpoint's own files."""
NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
"""Names of pairs and nodes; they become names of files and words of a command."""
MACHINE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
"""Names of machines; none can be an option of virsh."""
PUBLIC_KEY = re.compile(r"ssh-ed25519 [A-Za-z0-9+/=]+( [^\n]*)?")
"""One line as in authorized_keys, without options; the only kind of key that is made here."""


def pair_name(stack: str, pair: str) -> str:
    """Name of a pair at the endpoint; unique on a hypervisor, as stacks have different names."""
    return f"{stack}-{pair}"


def problems(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What is wrong with a pair's document: (property, what to do) each.

    The document has ``pair``, ``uri`` and ``nodes``: node -> ``machine`` and ``public_key``.
    """
    found = []
    if not _fits(NAME, document.get("pair")):
        found.append(("pair", "give STACK-PAIR in small letters, digits and hyphens"))
    if not isinstance(document.get("uri"), str) or not document["uri"]:
        found.append(("uri", "give the libvirt URI of the hypervisor"))
    nodes = document.get("nodes")
    if not isinstance(nodes, Mapping) or len(nodes) != 2:
        return [*found, ("nodes", "give the two nodes of the pair")]
    for name, node in nodes.items():
        where, given = f"nodes.{name}", node if isinstance(node, Mapping) else {}
        if not _fits(NAME, name):
            found.append((where, "name it in small letters, digits and hyphens"))
        if not _fits(MACHINE, given.get("machine")):
            found.append((f"{where}.machine", "give the name of its libvirt domain"))
        if not _fits(PUBLIC_KEY, given.get("public_key")):
            found.append((f"{where}.public_key", "give an ssh-ed25519 public key"))
    for key in ("machine", "public_key"):
        if not found and len({str(node[key]).split()[:2][-1] for node in nodes.values()}) < 2:
            found.append(("nodes", f"give each node a {key} of its own"))
    return found


def _fits(pattern: re.Pattern[str], value: object) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def authorize(folder: Path, document: Mapping[str, Any]) -> None:
    """Let the two nodes of a pair ask; a second call changes nothing. A mark stays as it is.

    Args:
        folder: state folder of the endpoint; made where it is missing.
        document: see ``problems``.

    Raises:
        ValueError: the document cannot be used; the text names every problem.
    """
    wrong = problems(document)
    if wrong:
        listed = "; ".join(f"{name}: {reason}" for name, reason in wrong)
        raise ValueError(f"The fence access of {document.get('pair')} cannot be used: {listed}.")
    make_folder(folder)
    with folder_locked(folder / "lock"):
        text = json.dumps(_kept(document), indent=1, sort_keys=True) + "\n"
        _replace(folder / f"{document['pair']}.json", text)
        _write_keys(folder)


def revoke(folder: Path, pair: str) -> None:
    """Let the nodes of a pair ask no more and forget its mark: its machines go as well."""
    if not folder.is_dir():
        return
    with folder_locked(folder / "lock"):
        (folder / f"{pair}.json").unlink(missing_ok=True)
        _write_keys(folder)
    with locked(folder, pair):
        (folder / f"{pair}{MARK_SUFFIX}").unlink(missing_ok=True)


def is_in_force(folder: Path, document: Mapping[str, Any]) -> bool:
    """Whether the folder holds just this document and sshd would let its nodes in."""
    try:
        kept = json.loads((folder / f"{document['pair']}.json").read_text())
        lines = (folder / AUTHORIZED_KEYS).read_text().splitlines()
    except (OSError, ValueError, KeyError):
        return False
    return bool(kept == _kept(document)) and set(_lines(folder, kept)) <= set(lines)


def make_folder(folder: Path) -> None:
    """Make the state folder root's alone: sshd's own look at its parents is switched off."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)


def _kept(document: Mapping[str, Any]) -> dict[str, Any]:
    """What of a document is written down."""
    nodes = {
        name: {"machine": node["machine"], "public_key": node["public_key"]}
        for name, node in document["nodes"].items()
    }
    return {"pair": document["pair"], "uri": document["uri"], "nodes": nodes}


def _write_keys(folder: Path) -> None:
    """Make authorized_keys anew from the documents of all pairs."""
    found = [path for path in folder.glob("*.json") if not path.name.endswith(MARK_SUFFIX)]
    lines = [
        line for path in sorted(found) for line in _lines(folder, json.loads(path.read_text()))
    ]
    _replace(folder / AUTHORIZED_KEYS, "".join(f"{line}\n" for line in lines))


def _lines(folder: Path, document: Mapping[str, Any]) -> list[str]:
    """The lines of a pair in authorized_keys (sshd(8), AUTHORIZED_KEYS FILE FORMAT)."""
    return [
        f'restrict,command="{_command(folder, document, name)}" '
        f"{' '.join(node['public_key'].split()[:2])} {document['pair']}/{name}"
        for name, node in sorted(document["nodes"].items())
    ]


def _command(folder: Path, document: Mapping[str, Any], node: str) -> str:
    # Isolated, and without site and its packages: that halves the start. The interpreter itself
    # and not the environment's link, so that making the environment anew cuts nobody off.
    argv = [str(Path(sys.executable).resolve()), "-I", "-S", "-E", str(PROGRAM)]
    argv += ["--state", str(folder), "--uri", document["uri"]]
    argv += ["--pair", document["pair"], "--node", node]
    return shlex.join(argv).replace('"', '\\"')


def _replace(path: Path, text: str) -> None:
    """Write a file whole or not at all, readable by its owner only."""
    partial = path.with_suffix(".new")
    partial.unlink(missing_ok=True)
    partial.touch(mode=0o600)
    partial.write_text(text)
    partial.replace(path)
