"""Fixtures of the engine tests: they need root, the pulumi CLI and sshd."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.provider import sshd
from tests.provider.engine import harness


@pytest.fixture(scope="session")
def netns() -> Iterator[str]:
    """Return the namespace in which the machines of all engine tests live."""
    if not sshd.is_root():
        pytest.skip("needs root: an sshd and a network namespace")
    for tool in ("pulumi", "pulumi-language-python", "ip", "nsenter"):
        if shutil.which(tool) is None:
            pytest.skip(f"needs {tool} on PATH")
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
