"""Write the golden files anew: ``python -m tests.golden.regenerate``. The diff is the review."""

from __future__ import annotations

import shutil

from tests.golden.tree import ROOT, STACKS, VARIANTS, expected


def main() -> None:
    """Replace every golden file."""
    for stack in (*STACKS, *VARIANTS):
        shutil.rmtree(ROOT / stack, ignore_errors=True)
    for path, text in expected().items():
        target = ROOT / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
