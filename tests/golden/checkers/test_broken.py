"""Every file that has a checker is shown to it broken; told before any checker runs."""

from __future__ import annotations

from bootstrap.deploy import render_all
from tests.golden.checkers.broken import BROKEN, BROKEN_ON
from tests.golden.tree import plans


def test_every_file_with_a_checker_is_broken_on_some_node() -> None:
    everywhere: set[str] = set()
    broken: set[str] = set()
    for stack, plan in plans().items():
        for node, files in render_all(plan).items():
            checked = {file.path for file in files.values() if file.check}
            everywhere |= checked
            if (stack, node) in BROKEN_ON:
                broken |= checked
    assert everywhere == broken == set(BROKEN)
