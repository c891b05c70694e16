"""lab/bootstrap.sh: makes the environment when it is not that of the lock file."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout, and a uv that notes its calls."""
    (tmp_path / "lab").mkdir()
    shutil.copy(ROOT / "lab" / "bootstrap.sh", tmp_path / "lab")
    (tmp_path / "uv.lock").write_text("one\n")
    (tmp_path / "pyproject.toml").write_text("\n")
    uv = tmp_path / "bin" / "uv"
    uv.parent.mkdir()
    uv.write_text(f'#!/bin/sh\necho "$@" >>{tmp_path}/uv.log; mkdir -p .venv; exit ${{UV:-0}}\n')
    uv.chmod(0o755)
    return tmp_path


def bootstrap(checkout: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    path = f"{checkout / 'bin'}:/usr/bin:/bin"
    return subprocess.run(
        ["sh", str(checkout / "lab" / "bootstrap.sh")],
        env={**os.environ, "PATH": path, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def calls(checkout: Path) -> int:
    return len((checkout / "uv.log").read_text().splitlines())


def test_runs_uv_once_for_one_lock_file(checkout: Path) -> None:
    assert bootstrap(checkout).returncode == 0
    assert "sync --frozen" in (checkout / "uv.log").read_text()
    second = bootstrap(checkout)
    assert (second.returncode, second.stdout, second.stderr) == (0, "", "")
    assert calls(checkout) == 1
    (checkout / "uv.lock").write_text("two\n")
    assert bootstrap(checkout).returncode == 0
    assert calls(checkout) == 2


def test_a_failed_run_is_tried_again(checkout: Path) -> None:
    assert bootstrap(checkout, UV="1").returncode != 0
    assert bootstrap(checkout).returncode == 0
    assert calls(checkout) == 2
