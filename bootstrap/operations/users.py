"""Accounts."""

from __future__ import annotations

import shlex
from collections.abc import Generator

from pyinfra.api.command import StringCommand
from pyinfra.api.operation import operation
from pyinfra.context import host

from bootstrap.changes import explain
from bootstrap.facts.node import Seen
from bootstrap.managed import SystemUser


@operation()
def system(user: SystemUser, *, seen: Seen) -> Generator[StringCommand, None, None]:
    """Make a system user without login exist.

    + user: the user.
    + seen: what is so on the node.
    """
    found = seen.users.get(user.name)
    options = f"--home-dir {user.home} --shell {user.shell}"
    if found is None:
        explain(f"user {user.name} does not exist; it is made, without login")
        yield StringCommand(f"useradd --system --user-group --no-create-home {options} {user.name}")
        return
    if (found.home, found.shell) == (user.home, user.shell):
        host.noop(f"user {user.name} is as planned")
        return
    explain(f"user {user.name}: {found.home} {found.shell} -> {user.home} {user.shell}")
    yield StringCommand(f"usermod --home {user.home} --shell {user.shell} {user.name}")


@operation()
def removed(user: str) -> Generator[StringCommand, None, None]:
    """Remove an account that no plan knows; its home folder stays.

    + user: its name.
    """
    explain(f"user {user} is in no plan; the account is removed, its home folder stays")
    # Its processes end first: userdel refuses to remove a user who is at work.
    account = shlex.quote(user)
    end = f"pkill -KILL -u {account}; true"
    yield StringCommand(f"{{ {end}; }} && userdel --force {account}")


@operation()
def root_locked(*, seen: Seen) -> Generator[StringCommand, None, None]:
    """Make root have no password: it is reached by key, and on the console by nobody.

    + seen: what is so on the node.
    """
    if not seen.root_password:
        host.noop("root has no password")
        return
    explain("root has a password; it is locked")
    yield StringCommand("usermod --lock root")
