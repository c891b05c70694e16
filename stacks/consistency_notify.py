"""Checks of ``notify``: that a message can leave, and that no value is taken for an option."""

from __future__ import annotations

import re
from collections.abc import Iterator

from stacks.model import Stack
from stacks.problems import Problem

ADDRESS = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*@[A-Za-z0-9][A-Za-z0-9.-]*|[a-z_][a-z0-9_-]*")
"""A mail address in its plain form (RFC 5321 section 4.1.2, Dot-string), or a local user."""


def check_notify(stack: Stack) -> Iterator[Problem]:
    """Every destination is usable, and there is one."""
    notify = stack.notify
    if notify is None:
        return
    if not (notify.mail or notify.command or notify.lab):
        yield Problem(
            "notify",
            "nobody is told: it names neither mail, command nor lab",
            "name one, or remove the key",
        )
    for address in notify.mail:
        if not ADDRESS.fullmatch(address):
            yield Problem(
                "notify.mail", f"{address!r} is no mail address", "write one like ops@example.org"
            )
    if notify.command and not notify.command[0].startswith("/"):
        yield Problem(
            "notify.command",
            f"{notify.command[0]!r} is no absolute path",
            "begin with the program's path on the nodes",
        )
    for word in notify.command:
        if not word.isprintable():
            yield Problem(
                "notify.command", f"{word!r} holds a control character", "write printable text"
            )
