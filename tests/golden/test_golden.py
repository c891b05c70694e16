"""Every rendered file is as recorded, byte by byte; no golden is left over."""

from __future__ import annotations

import pytest

from tests.golden.tree import STACKS, VARIANTS, expected, recorded, render_expected

AGAIN = "python -m tests.golden.regenerate writes them anew; read the diff"


@pytest.mark.parametrize("stack", [*STACKS, *VARIANTS])
def test_files_are_as_recorded(stack: str) -> None:
    wanted = {p: text for p, text in expected().items() if p.startswith(f"{stack}/")}
    found = {p: text for p, text in recorded().items() if p.startswith(f"{stack}/")}
    assert sorted(wanted) == sorted(found), AGAIN
    different = [path for path, text in wanted.items() if found[path] != text]
    assert not different, AGAIN


def test_rendering_is_stable() -> None:
    assert render_expected() == expected()


def test_every_file_ends_with_a_newline_and_names_its_owner() -> None:
    for path, text in expected().items():
        assert text.endswith("\n"), path
        if not path.endswith("owned.txt") and "/cloud-init/" not in path:
            assert "Managed by pairwise" in text, path
