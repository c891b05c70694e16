"""Who may import whom: the rules of DEVELOPERS.md, read from the source."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
OURS = frozenset({"stacks", "components", "bootstrap", "provider", "drills", "lab", "cli"})
ALLOWED: dict[str, frozenset[str]] = {
    "stacks": frozenset(),
    "components": frozenset({"stacks"}),
    "bootstrap": frozenset({"stacks"}),
    "provider": frozenset({"bootstrap", "stacks", "lab"}),
    "drills": frozenset({"stacks", "bootstrap"}),
    "lab": frozenset(),
    "cli": OURS,
}
"""What each package may import of ours, apart from itself; of ``lab``, provider may import only the
module that writes the fence endpoint's files: two writers of one file format would drift apart."""
FOREIGN: dict[str, frozenset[str]] = {
    "stacks": frozenset({"pulumi", "pulumi_libvirt", "pyinfra", "jinja2"}),
    "components": frozenset({"pyinfra", "jinja2"}),
    "bootstrap": frozenset({"pulumi", "pulumi_libvirt"}),
    "drills": frozenset({"pulumi", "pulumi_libvirt"}),
    "cli": frozenset({"pulumi_libvirt"}),
}
"""What each package must not know at all."""
LIBVIRT_MODULE = "components/_libvirt.py"
"""The one importer of pulumi_libvirt, which is frozen upstream."""


@cache
def imports(path: Path) -> tuple[str, ...]:
    """Dotted names of all modules that a file imports, wherever in it."""
    found: list[str] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import, line {node.lineno}"
            found += [f"{node.module}.{alias.name}" for alias in node.names]
    return tuple(found)


def modules(package: str) -> list[Path]:
    """Every module of a package."""
    return sorted((ROOT / package).rglob("*.py"))


@pytest.mark.parametrize("package", sorted(OURS))
def test_packages_import_in_one_direction(package: str) -> None:
    wrong = []
    for path in modules(package):
        for name in imports(path):
            top = name.split(".")[0]
            if top in OURS - ALLOWED[package] - {package} or top == "tests":
                wrong.append(f"{path.relative_to(ROOT)} imports {name}")
    assert not wrong, wrong


@pytest.mark.parametrize("package", sorted(FOREIGN))
def test_packages_do_not_know_each_other_s_tools(package: str) -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in modules(package)
        for name in imports(path)
        if name.split(".")[0] in FOREIGN[package]
    ]
    assert not wrong, wrong


def test_blocks_never_import_blocks() -> None:
    wrong = []
    for path in modules("bootstrap/blocks"):
        parts = path.relative_to(ROOT / "bootstrap" / "blocks").parts
        for name in imports(path):
            steps = name.split(".")
            if steps[:2] == ["bootstrap", "blocks"] and len(steps) > 2 and steps[2] != parts[0]:
                wrong.append(f"{path.relative_to(ROOT)} imports {name}")
    assert not wrong, wrong


def test_drills_see_only_facts_of_bootstrap() -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in modules("drills")
        for name in imports(path)
        if name.startswith("bootstrap.") and not name.startswith("bootstrap.facts")
    ]
    assert not wrong, wrong


def test_provider_sees_only_the_fence_s_files_of_lab() -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in modules("provider")
        for name in imports(path)
        if name.split(".")[0] == "lab" and name.split(".")[1:2] != ["fence_keys"]
    ]
    assert not wrong, wrong


def test_libvirt_s_sdk_stays_behind_one_module() -> None:
    importers = {
        path.relative_to(ROOT).as_posix()
        for package in OURS
        for path in modules(package)
        if any(name.split(".")[0] == "pulumi_libvirt" for name in imports(path))
    }
    assert importers == {LIBVIRT_MODULE}
