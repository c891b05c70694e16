"""Files, links and their metadata: one tar stream for all paths, two processes on the node."""

from __future__ import annotations

import base64
import binascii
import io
import shlex
import tarfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class SeenFile:
    """One path as it is on the node."""

    kind: str
    """``file``, ``link``, ``folder`` or ``other``."""
    content: bytes = b""
    """Of a file."""
    target: str = ""
    """Of a link."""
    mode: int = 0
    """Permission bits."""
    owner: str = ""
    """User name, or number without a name."""
    group: str = ""
    """Group name, or number without a name."""
    mtime: int = 0
    """When the content was written, seconds since the epoch."""


def script(paths: Iterable[str]) -> str:
    """Shell text that prints the paths as a base64 line; those that do not exist are left out."""
    names = " ".join(shlex.quote(path) for path in sorted(set(paths)))
    return f"tar -cPf - --no-recursion -- {names} | base64 -w0; echo" if names else ""


def process(lines: Iterable[str]) -> Mapping[str, SeenFile]:
    """Return path -> what is there; a path that does not exist has no entry.

    Raises:
        ValueError: the output is no tar stream.
    """
    text = "".join(lines)
    if not text:
        return {}
    try:
        with tarfile.open(fileobj=io.BytesIO(base64.b64decode(text))) as archive:
            return {f"/{m.name.lstrip('/')}": _seen(archive, m) for m in archive}
    except (tarfile.TarError, binascii.Error) as error:
        raise ValueError(f"The node's files could not be read: {error}.") from error


def _seen(archive: tarfile.TarFile, member: tarfile.TarInfo) -> SeenFile:
    kind = "other"
    content = b""
    if member.isreg() or member.islnk():
        kind = "file"
        stream = archive.extractfile(member)
        content = stream.read() if stream else b""
    elif member.issym():
        kind = "link"
    elif member.isdir():
        kind = "folder"
    return SeenFile(
        kind=kind,
        content=content,
        target=member.linkname if kind == "link" else "",
        mode=member.mode & 0o7777,
        owner=member.uname or str(member.uid),
        group=member.gname or str(member.gid),
        mtime=int(member.mtime),
    )
