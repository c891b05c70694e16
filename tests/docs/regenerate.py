"""Write the reference pages anew: ``python -m tests.docs.regenerate``, or ``make docs``."""

from __future__ import annotations

from tests.docs.reference import FOLDER, PAGES


def main() -> None:
    """Write every page, and remove one that is no longer there."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for path in FOLDER.glob("*.md"):
        if path.stem not in PAGES:
            path.unlink()
    for name, write in PAGES.items():
        (FOLDER / f"{name}.md").write_text(write(), encoding="utf-8")


if __name__ == "__main__":
    main()
