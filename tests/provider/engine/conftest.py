"""Fixtures of the engine tests: they need root, the pulumi CLI and sshd."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import toolchain
from lab.paths import Paths
from tests.provider import sshd
from tests.provider.engine import harness

HERE = Path(__file__).parent
ROOT = HERE.parent.parent.parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test of this folder drives a real engine against private sshds."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.engine)
            item.add_marker(pytest.mark.live)


@pytest.fixture(scope="session")
def netns() -> Iterator[str]:
    """Return the namespace in which the machines of all engine tests live.

    What is missing is a failure and never a skip: a test that did not run proves nothing.
    """
    tools = toolchain.bin_dir(Paths.of_checkout(ROOT))
    os.environ["PATH"] = f"{tools}{os.pathsep}{os.environ['PATH']}"
    assert sshd.is_root(), "needs root: an sshd and a network namespace"
    for tool in ("pulumi", "pulumi-language-python", "ip", "nsenter"):
        assert shutil.which(tool) is not None, f"needs {tool}: run `make lab`"
    with harness.namespace() as name:
        yield name


@pytest.fixture
def project(tmp_path: Path, netns: str) -> Iterator[harness.Project]:
    """Return a project without deploys."""
    with harness.project(tmp_path, netns=netns, given={}) as made:
        yield made


@pytest.fixture
def pair(project: harness.Project) -> harness.Project:
    """Return a project with one Deploy of two hosts."""
    project.add_deploy("lb", ["lb1", "lb2"])
    return project
