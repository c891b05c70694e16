"""One lasting connection to a server, by MySQL's own client.

The client reads statements on its standard input, so that no password stands on a command line. It
ends with the first error and never connects again by itself: what is done over it is done to the
very process that was looked at.
"""

from __future__ import annotations

import os
import re
import select
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

END = "pairwise-answer"
"""Begins heading and text of the row that ends each answer; the question's number follows."""
LOGIN_S = 10.0
"""For a client's start and its login by TLS: an emulated machine takes longer than a look waits."""
LATE_S = 10.0
"""A client that has logged in once is left to a late answer for as long: a new one would cost both
machines a login, and a starved one needs longer for it than for the answer."""
OPTIONS = ("--batch", "--unbuffered", "--skip-reconnect", f"--connect-timeout={LOGIN_S:.0f}")
NOBODY = "nobody listens there"
REFUSED = re.compile(rf"{NOBODY}$|ERROR (2003 .*\(111\)$|1\d{{3}} |3\d{{3}} )")
"""What is said of a machine that answers: nobody listens there (the client gives the number of
ECONNREFUSED, errno(3)), or its server says why it lets nobody in (the manual of MySQL 9.7, error
messages)."""
BARRED = re.compile(r"ERROR (1|3)\d{3} ")
"""What a server itself says."""
KNOCK_S = 0.2
"""For a refusal, which is a kernel's and comes at once."""


class SqlError(Exception):
    """The server gave no answer, or refused; the text is one line."""


class LateError(SqlError):
    """The answer did not come in time."""


def is_refused(words: str) -> bool:
    """Whether a server's machine answers in its stead."""
    return REFUSED.search(words) is not None


def lets_nobody_in(words: str) -> bool:
    """Whether a server answers, and says why not to this question."""
    return BARRED.search(words) is not None


def is_closed(family: socket.AddressFamily, address: str | tuple[str, int]) -> bool:
    """Whether surely nobody listens at an address."""
    with socket.socket(family, socket.SOCK_STREAM) as knock:
        knock.settimeout(KNOCK_S)
        try:
            knock.connect(address)
        except (ConnectionRefusedError, FileNotFoundError):
            return True
        except OSError:
            return False
    return False


class Connection:
    """A client process, or none yet.

    Args:
        argv: of the client. closed: whether it need not be started, for nobody would answer it:
            each start costs an emulated machine a second, which a server that starts needs itself.
    """

    def __init__(self, argv: Sequence[str], closed: Callable[[], bool] = lambda: False) -> None:
        self.argv = [*argv, *OPTIONS]
        self.closed = closed
        self.process: subprocess.Popen[bytes] | None = None
        self.begun = 0.0
        self.logged_in = False
        self.late_since: float | None = None
        self.asked = 0

    def ask(
        self, statements: str, *, timeout_s: float, begin: bool, again: bool = False
    ) -> list[list[str]]:
        """Rows of all statements, each result with its heading as the first row.

        Args:
            statements: ended by semicolons. timeout_s: for the whole answer.
            begin: whether a new connection may be made.
            again: whether they only ask, and may be asked anew while the client still logs in, or
                waits for an answer: it is then left to it beyond the time-out.

        Raises:
            SqlError: no answer in time, or an error; the connection is then gone, or left to it.
        """
        if self.process is None or self.process.poll() is not None:
            words = self.close()
            if words and not self.logged_in:
                raise SqlError(words)
            if not begin:
                raise SqlError("the connection is gone")
            if self.closed():
                raise SqlError(NOBODY)
            self.begun, self.logged_in, self.late_since = time.monotonic(), False, None
            self.process = subprocess.Popen(
                self.argv,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
        self.asked += 1
        try:
            end = time.monotonic() + timeout_s
            rows = _exchange(self.process, statements, f"{END}-{self.asked}", end)
        except (SqlError, OSError) as error:
            if again and isinstance(error, LateError) and self._is_left():
                words = str(error) if self.logged_in else "the client has not logged in yet"
                raise SqlError(words) from error
            words = self.close()
            raise SqlError(words or str(error)) from error
        self.logged_in, self.late_since = True, None
        return rows

    def _is_left(self) -> bool:
        """Whether the client has yet to give its first answer, or a late one, and the time to."""
        now = time.monotonic()
        if not self.logged_in:
            return now - self.begun < LOGIN_S
        if self.late_since is None:
            self.late_since = now
        return now - self.late_since < LATE_S

    def close(self) -> str:
        """End the client; returns its last words."""
        process, self.process = self.process, None
        if process is None:
            return ""
        process.kill()
        words = b""
        with suppress(OSError, ValueError):
            words = process.communicate()[1]
        lines = [line for line in words.decode(errors="replace").splitlines() if line.strip()]
        return lines[-1] if lines else ""


def _exchange(
    process: subprocess.Popen[bytes], statements: str, end: str, deadline: float
) -> list[list[str]]:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(f"{statements}\nSELECT '{end}' AS `{end}`;\n".encode())
    process.stdin.flush()
    last = f"{end}\n{end}\n".encode()
    answer = b""
    while not answer.endswith(last):
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([process.stdout], [], [], left)[0]:
            raise LateError("no answer in time")
        part = os.read(process.stdout.fileno(), 65536)
        if not part:
            raise SqlError("the connection has ended")
        answer += part
    lines = answer.removesuffix(last).decode(errors="replace").splitlines()
    # What was asked before, and not waited for, is of then.
    older = [number for number, line in enumerate(lines) if line.startswith(f"{END}-")]
    return [line.split("\t") for line in lines[older[-1] + 1 if older else 0 :]]
