"""A block's program in Python, installed on a node as its modules stand in this repository.

The modules keep their names below a folder, so that the node runs ``python3 -m`` of the very text
that is typed and tested here, and reads a fact by the same module as an operation does.
"""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

from bootstrap.managed import ManagedFile

CHECK_PYTHON = "python3 -c 'import ast, sys; ast.parse(open(sys.argv[1]).read())' %s"
"""Python's own parser: the machine's may be older than ours."""
CHECK_JSON = "python3 -m json.tool %s >/dev/null"
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


def is_fresh(path: str, *, within_s: int) -> str:
    """Shell text: whether a program has written a file within so many seconds."""
    return f"find {path} -newermt '{within_s} seconds ago' 2>/dev/null | grep -q ."
