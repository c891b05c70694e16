"""Linters as tests: formatting, types, YAML, spelling, shell, and the project's own rules.

A linter that is not installed skips with its name; with PAIRWISE_CI set it fails instead.
"""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent
HARD_LIMIT = 400
"""Lines of a module."""
SOFT_LIMIT = 300
"""Lines that only a few modules may pass."""
SOFT_SHARE = 0.05
"""How many of all modules those few are."""
PACKAGES = ("bootstrap", "cli", "components", "drills", "lab", "provider", "stacks")
WAITS = frozenset({"cli/wait.py", "drills/wait.py", "lab/waiting.py", "provider/ssh.py"})
"""The wait primitives: one per package, each with a deadline."""


def tracked(*patterns: str) -> list[str]:
    """Files that git knows or would take, so that a new file is not missed."""
    argv = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns]
    listed = subprocess.check_output(argv, cwd=ROOT, text=True).splitlines()
    return sorted(name for name in set(listed) if (ROOT / name).is_file())


def tool(name: str) -> str:
    """Path of a linter."""
    found = shutil.which(name, path=f"{BIN}{os.pathsep}{os.environ.get('PATH', '')}")
    if found is None:
        assert not os.environ.get("CI"), f"{name} is not installed: install it"
        pytest.skip(f"{name} is not installed")
    return found


def passes(*argv: str) -> None:
    """Assert that a linter has nothing to say."""
    done = subprocess.run(
        [tool(argv[0]), *argv[1:]], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{' '.join(argv[:3])}:\n{done.stdout}{done.stderr}"


def test_ruff_format() -> None:
    passes("ruff", "format", "--check", "--quiet", ".")


def test_ruff_check() -> None:
    passes("ruff", "check", "--quiet", ".")


def test_mypy() -> None:
    passes("mypy")


def test_yamllint() -> None:
    files = tracked("stacks/*.yaml", ".github/workflows/*.yml", "Pulumi.yaml")
    passes("yamllint", "--strict", *files)


def test_codespell() -> None:
    passes("codespell", *tracked("*.py", "*.md", "*.j2", "*.sh", "*.yaml", "Makefile"))


def test_shellcheck() -> None:
    passes("shellcheck", *tracked("*.sh", ".ci/run", "pairwise"))


def modules() -> list[Path]:
    """Every Python module of ours, tests included."""
    return [ROOT / name for name in tracked("*.py")]


def length(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def test_modules_stay_small() -> None:
    lengths = {path.relative_to(ROOT).as_posix(): length(path) for path in modules()}
    too_long = {name: count for name, count in lengths.items() if count > HARD_LIMIT}
    assert not too_long, f"split these: {too_long}"
    long = {name: count for name, count in lengths.items() if count > SOFT_LIMIT}
    assert len(long) <= SOFT_SHARE * len(lengths), f"too many long modules: {long}"


Tree = Callable[[Path], ast.Module]


@pytest.fixture(scope="module")
def tree() -> Tree:
    """The syntax tree of a module: three rules read each, and to parse is most of their time."""
    return cache(lambda path: ast.parse(path.read_text(encoding="utf-8")))


def test_nothing_sleeps_outside_the_wait_primitives(tree: Tree) -> None:
    wrong = []
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            name = path.relative_to(ROOT).as_posix()
            for node in ast.walk(tree(path)):
                if isinstance(node, ast.Attribute) and node.attr == "sleep" and name not in WAITS:
                    wrong.append(f"{name}:{node.lineno}")
    assert not wrong, f"use the package's wait with its deadline: {wrong}"


def test_no_bare_except(tree: Tree) -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in modules()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ExceptHandler) and node.type is None
    ]
    assert not wrong, f"name the exception: {wrong}"


def test_every_module_says_what_it_is_for(tree: Tree) -> None:
    wrong = [
        path.relative_to(ROOT).as_posix()
        for path in modules()
        if path.stat().st_size and not ast.get_docstring(tree(path))
    ]
    assert not wrong, wrong
