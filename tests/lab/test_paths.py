"""Two checkouts never meet, and no socket path is too long."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.paths import MAX_SOCKET_PATH, Paths


@pytest.fixture(autouse=True)
def no_override(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PAIRWISE_LAB", "PAIRWISE_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)


def test_two_checkouts_have_two_labs(tmp_path: Path) -> None:
    one, two = Paths.of_checkout(tmp_path / "one"), Paths.of_checkout(tmp_path / "two")
    assert one.name != two.name
    assert one.netns != two.netns
    assert one.run != two.run


def test_a_checkout_is_the_same_by_every_path(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert Paths.of_checkout(tmp_path / "link") == Paths.of_checkout(tmp_path / "real")


def test_the_name_can_be_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAIRWISE_LAB", "mine")
    assert Paths.of_checkout(tmp_path).netns == "pw-mine"


@pytest.mark.parametrize("depth", [1, 5, 20])
def test_a_socket_path_is_never_too_long(depth: int) -> None:
    root = Path("/", *["a-folder-of-a-deep-checkout"] * depth)
    socket = Paths(root).run / "virtlogd-admin-sock"
    assert len(str(socket)) <= MAX_SOCKET_PATH


def test_a_network_interface_is_not_named_after_the_namespace(tmp_path: Path) -> None:
    """A namespace's name is a file's name: no slash, and short."""
    netns = Paths.of_checkout(tmp_path).netns
    assert "/" not in netns
    assert len(netns) < 32


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"PAIRWISE_CACHE": "/given"}, "/given"),
        ({"XDG_CACHE_HOME": "/xdg"}, "/xdg/pairwise"),
        ({"HOME": "/home/ada"}, "/home/ada/.cache/pairwise"),
        ({"PAIRWISE_CACHE": "/given", "XDG_CACHE_HOME": "/xdg"}, "/given"),
    ],
)
def test_cache_outlives_the_checkout(
    variables: dict[str, str], expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert Paths.of_checkout(tmp_path).cache == Path(expected)
