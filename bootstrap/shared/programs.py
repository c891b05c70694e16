"""A block's program in Python, installed on a node as its modules stand in this repository.

The modules keep their names below a folder, so that the node runs ``python3 -m`` of the very text
that is typed and tested here, and reads a fact by the same module as an operation does.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from bootstrap.checks import Check, is_active, is_enabled
from bootstrap.managed import ManagedFile, Manifest, Reload, Unit

CHECK_PYTHON = (
    """python3 -IS -c 'import sys; compile(open(sys.argv[1], "rb").read(), "", "exec")' %s"""
)
"""Python's own compiler: the machine's may be older than ours."""
CHECK_JSON = "python3 -IS -c 'import json, sys; json.load(open(sys.argv[1]))' %s"
"""The same for what a program is configured by."""


def modules(package: ModuleType, *others: ModuleType) -> dict[str, Path]:
    """Path below the folder -> file here, of a package and of further modules.

    No package files: none is needed.
    """
    found = {_path(other): Path(str(other.__file__)) for other in others}
    folder = Path(str(package.__file__)).parent
    for path in sorted(folder.glob("*.py")):
        if path.name != "__init__.py":
            found[f"{package.__name__.replace('.', '/')}/{path.name}"] = path
    return found


def _path(module: ModuleType) -> str:
    return f"{module.__name__.replace('.', '/')}.py"


def files(
    folder: str, package: ModuleType, *others: ModuleType, stack: str
) -> tuple[ManagedFile, ...]:
    """The files of a program.

    Args:
        folder: where it is installed. package: its modules. others: what they import of ours.
        stack: name.
    """
    found = modules(package, *others)
    return tuple(one_file(f"{folder}/{name}", path, stack=stack) for name, path in found.items())


def one_file(path: str, source: Path, *, stack: str) -> ManagedFile:
    """A module that imports nothing of ours, or one of those that do."""
    whose = f"# Managed by pairwise (stacks/{stack}); local edits are lost.\n"
    return ManagedFile(
        path=path, content=whose + source.read_text(encoding="utf-8"), check=CHECK_PYTHON
    )


FRESH_S = 10
"""Age of a status that is still one of now, under emulation on a busy host."""


@dataclass(frozen=True, kw_only=True)
class Service:
    """A program that looks at its node each second and writes what it sees."""

    block: str
    """Name of its block."""
    unit: str
    """That runs it."""
    status: str
    """Path of what it writes."""

    @property
    def is_fresh(self) -> str:
        """Shell text: whether it has written within FRESH_S."""
        return f"find {self.status} -newermt '{FRESH_S} seconds ago' 2>/dev/null | grep -q ."

    def manifest(self, owned: tuple[ManagedFile, ...], *, packages: tuple[str, ...]) -> Manifest:
        """All that its block owns: it is restarted when any of the files changes."""
        paths = tuple(file.path for file in owned)
        unit = Unit(name=self.unit, reload=Reload.RESTART, files=paths, ready=self.is_fresh)
        return Manifest(block=self.block, packages=packages, files=owned, units=(unit,))

    def checks(self, who: str) -> tuple[Check, ...]:
        """What ``pairwise verify`` tries; ``who`` begins the sentence when it fails."""
        return (
            is_active(self.block, self.unit),
            is_enabled(self.block, self.unit),
            Check(
                name=f"{self.block}: its status is of now",
                command=self.is_fresh,
                failure=f"{who} has not written {self.status} for {FRESH_S} s: "
                f"journalctl -u {self.unit} says why.",
            ),
        )
