"""Write the golden error texts anew: ``python -m tests.errors.regenerate``."""

from __future__ import annotations

from tests.errors.test_errors import CASES, error_text


def main() -> None:
    for case in CASES:
        case.with_suffix(".txt").write_text(error_text(case), encoding="utf-8")


if __name__ == "__main__":
    main()
