"""Write the golden files of the commands anew: ``python -m tests.cli.regenerate``."""

from __future__ import annotations

from cli.graph import mermaid
from stacks.load import stack_names
from tests.cli.test_comment import COMMENTS, GOLDEN
from tests.cli.test_look import plan
from tests.descriptions import STACKS


def main() -> None:
    for name, write in COMMENTS.items():
        (GOLDEN / f"preview_{name}.md").write_text(write(), encoding="utf-8")
    for name in stack_names(STACKS):
        (GOLDEN / f"graph_{name}.mmd").write_text(mermaid(plan(name)), encoding="utf-8")


if __name__ == "__main__":
    main()
