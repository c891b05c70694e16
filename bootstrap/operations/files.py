"""Files, links and paths that must not exist."""

from __future__ import annotations

import base64
import difflib
import shlex
from collections.abc import Generator
from pathlib import PurePosixPath

from pyinfra.api.command import StringCommand
from pyinfra.api.exceptions import OperationError
from pyinfra.api.operation import operation
from pyinfra.context import host

from bootstrap.changes import UNKNOWN, explain
from bootstrap.facts.files import SeenFile
from bootstrap.facts.node import Seen
from bootstrap.managed import Link, ManagedFile, Mode
from bootstrap.phases import has_content


@operation()
def put(
    file: ManagedFile, *, seen: Seen, unknown: bool = False
) -> Generator[StringCommand, None, None]:
    """Make a file hold its content, mode and owner.

    + file: the file.
    + seen: what is so on the node.
    + unknown: a secret in it is not known yet (previews only).

    The candidate is written beside the file under a name that no ``*`` matches, judged by the
    daemon's own checker, and renamed: a reader sees the old file or the new one, and a refused
    candidate leaves the old file in place.
    """
    if not file.path.startswith("/"):
        raise OperationError(f"{file.path}: a managed file needs an absolute path.")
    found = seen.files.get(file.path)
    if found is not None and found.kind == "folder":
        raise OperationError(f"{file.path} is a folder: remove it by hand, then run again.")
    if has_content(file, found) and not unknown:
        yield from _metadata(file, found)
        return
    text = difference(file, found, unknown=unknown)
    # Below a diff a backslash begins a remark (diff(1)); a file that is new needs none.
    explain(f"{text}\n\\ {file.effect}" if file.effect and found is not None else text)
    if file.secrets:
        # On standard input, so that no process list of the node shows it.
        encoded = base64.b64encode(file.content.encode()).decode()
        yield StringCommand(install_command(file, "base64 -d"), _stdin=encoded)
        return
    yield StringCommand(install_command(file))


def _metadata(file: ManagedFile, found: SeenFile | None) -> Generator[StringCommand, None, None]:
    assert found is not None
    commands, sentences = [], []
    if (found.owner, found.group) != (file.owner, file.group):
        commands.append(f"chown {file.owner}:{file.group} {shlex.quote(file.path)}")
        sentences.append(f"owner {found.owner}:{found.group} -> {file.owner}:{file.group}")
    if found.mode != file.mode:
        commands.append(f"chmod {file.mode:04o} {shlex.quote(file.path)}")
        sentences.append(f"mode {found.mode:04o} -> {file.mode:04o}")
    if not commands:
        host.noop(f"{file.path} is as planned")
        return
    explain("; ".join(sentences))
    yield StringCommand(" && ".join(commands))


def install_command(file: ManagedFile, source: str = "") -> str:
    """Shell text: write the candidate, check it, put it in place.

    Args:
        file: the file. source: shell text that prints its content, where that is not to be in here.
    """
    source = source or f"printf %s {shlex.quote(file.content)}"
    path = PurePosixPath(file.path)
    candidate = shlex.quote(str(path.parent / f".{path.name}.pairwise"))
    folder = shlex.quote(str(path.parent))
    # Each program that is started costs an emulated machine 30 ms, and there are hundreds of files:
    # root's own get their mode from the umask.
    plain = file.owner == file.group == "root" and file.mode in {0o644, 0o600}
    steps = [
        f"[ -d {folder} ] || mkdir -p {folder}",
        f"umask {0o666 & ~file.mode if plain else 0o077:03o}",
        f"{{ [ ! -e {candidate} ] || rm -f {candidate}; }}",
        f"{source} >{candidate}",
    ]
    if not plain:
        steps.append(f"chown {file.owner}:{file.group} {candidate}")
        steps.append(f"chmod {file.mode:04o} {candidate}")
    if file.check:
        check = file.check.replace("%s", candidate)
        refused = f"{file.path}: its own checker refuses the new content, the old file stays"
        steps.append(f"{{ ( {check} ) || {{ rm -f {candidate}; echo '{refused}'; exit 1; }}; }}")
    steps.append(f"mv -fT {candidate} {shlex.quote(file.path)}")
    return " && ".join(steps)


def difference(file: ManagedFile, found: SeenFile | None, *, unknown: bool) -> str:
    if file.secrets:
        names = ", ".join(file.secrets)
        suffix = f", {UNKNOWN}" if unknown else ""
        return f"content differs (holds secret {names}){suffix}"
    if found is not None and found.kind == "link":
        return f"a link to {found.target} becomes a file"
    old = found.content.decode(errors="replace") if found else ""
    lines = difflib.unified_diff(
        old.splitlines(),
        file.content.splitlines(),
        fromfile=file.path if found else "/dev/null",
        tofile=file.path,
        lineterm="",
    )
    text = "\n".join(lines)
    return text or f"{file.path}: line ends differ"


@operation()
def link(item: Link, *, seen: Seen) -> Generator[StringCommand, None, None]:
    """Make a symbolic link point to its target.

    + item: the link.
    + seen: what is so on the node.
    """
    found = seen.files.get(item.path)
    if found is not None and found.kind == "link" and found.target == item.target:
        host.noop(f"{item.path} is as planned")
        return
    if found is not None and found.kind == "folder":
        raise OperationError(f"{item.path} is a folder: remove it by hand, then run again.")
    was = "is missing" if found is None else f"is {found.target or 'a file'}"
    explain(f"{item.path} {was}; it becomes a link to {item.target}")
    folder = shlex.quote(str(PurePosixPath(item.path).parent))
    path, target = shlex.quote(item.path), shlex.quote(item.target)
    yield StringCommand(f"mkdir -p {folder} && ln -sfnT {target} {path}")


@operation()
def remove(path: str, *, seen: Seen) -> Generator[StringCommand, None, None]:
    """Make a file or link not exist.

    + path: absolute path; a folder is refused.
    + seen: what is so on the node.
    """
    found = seen.files.get(path)
    if found is None:
        host.noop(f"{path} does not exist")
        return
    if found.kind == "folder":
        raise OperationError(f"{path} is a folder: remove it by hand, then run again.")
    explain(f"{path} exists; it is removed")
    yield StringCommand(f"rm -f {shlex.quote(path)}")


@operation()
def permitted(mode: Mode, *, seen: Seen) -> Generator[StringCommand, None, None]:
    """Make a package's file have a group and mode, also after its next upgrade.

    + mode: what it is to have.
    + seen: what is so on the node.
    """
    found, wanted = seen.modes.get(mode.path), f"root:{mode.group} {mode.mode:04o}"
    if found == wanted:
        host.noop(f"{mode.path} is {wanted}")
        return
    explain(f"{mode.path}: {found or 'not there'} -> {wanted}")
    yield StringCommand(
        f"dpkg-statoverride --quiet --force-all --update --add root {mode.group}"
        f" {mode.mode:04o} {shlex.quote(mode.path)}"
    )
