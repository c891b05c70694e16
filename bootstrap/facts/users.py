"""Accounts: /etc/passwd, and whether root has a password (the hash itself stays on the node)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

FIRST_LOGIN_UID = 1000
"""Debian's FIRST_UID (adduser.conf): below are system users."""
LAST_LOGIN_UID = 59999
"""Debian's LAST_UID; nobody is above (Debian policy 9.2.2)."""
PASSWORD_MARK = "root-password"


@dataclass(frozen=True, kw_only=True)
class SeenUser:
    """One line of /etc/passwd."""

    uid: int
    """User id."""
    home: str
    """Home directory."""
    shell: str
    """Login shell."""


def script() -> str:
    """Shell text that prints /etc/passwd and a mark when root has a password."""
    mark = f'/^root:/ {{ if ($2 !~ /^[*!]/) print "{PASSWORD_MARK}" }}'
    return f"cat /etc/passwd; awk -F: '{mark}' /etc/shadow"


def process(lines: Iterable[str]) -> Mapping[str, SeenUser]:
    """Return user name -> its entry."""
    users = {}
    for line in lines:
        fields = line.split(":")
        if len(fields) == 7 and fields[2].isdigit():
            users[fields[0]] = SeenUser(uid=int(fields[2]), home=fields[5], shell=fields[6])
    return users


def is_login(name: str, user: SeenUser) -> bool:
    """Whether an account is one that people log in with, or a second root."""
    second_root = user.uid == 0 and name != "root"
    return second_root or FIRST_LOGIN_UID <= user.uid <= LAST_LOGIN_UID
