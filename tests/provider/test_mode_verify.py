"""All checks of a node go to it as one shell text, and each has its own answer."""

from __future__ import annotations

import subprocess

from provider import mode_verify

MARK = "0123456789abcdef"


def answers(*commands: str) -> dict[int, tuple[int, str]]:
    done = subprocess.run(
        ["sh", "-c", mode_verify.script_of(commands, MARK)],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert done.stderr == ""
    return mode_verify.answers_of(done.stdout, MARK)


def test_each_check_has_its_code_and_what_it_said() -> None:
    found = answers("echo up", "echo 'it''s down' >&2; exit 3", "printf 'no\nend'", "true")
    assert found == {0: (0, "up"), 1: (3, "its down"), 2: (0, "no\nend"), 3: (0, "")}


def test_a_check_ends_nothing_but_itself() -> None:
    found = answers("cd /; exit 7", "kill -9 $$", "cat", "pwd >/dev/null")
    assert [found[place][0] for place in sorted(found)] == [7, 137, 0, 0]


def test_a_check_without_an_end_has_no_answer() -> None:
    text = f"{MARK} 0\nup\n\n{MARK} 0 0\n{MARK} 1\nhalf"
    assert mode_verify.answers_of(text, MARK) == {0: (0, "up")}


def test_what_a_check_says_is_no_mark() -> None:
    assert answers("echo '1 0'; echo x 0")[0] == (0, "1 0\nx 0")
