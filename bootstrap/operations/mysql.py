"""What a MySQL server has for the application: accounts, tables, Router's metadata."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence

from pyinfra.api.command import StringCommand
from pyinfra.api.operation import operation
from pyinfra.context import host

from bootstrap.changes import UNKNOWN, explain
from bootstrap.facts.mysql import CLIENT, METADATA, PLUGIN, SeenAccount
from bootstrap.facts.node import Seen
from bootstrap.shared.mysql_follow import quoted

RIGHTS = ("DELETE", "INSERT", "SELECT", "UPDATE")
"""What the application may do, in its database and nowhere else: rows, and no tables."""
ELSEWHERE = "no MySQL server answers here that may be written to"


@operation()
def accounts(
    account: str,
    database: str,
    clients: Sequence[str],
    password: str,
    reads: Sequence[str] = (),
    rights: Sequence[str] = RIGHTS,
    *,
    seen: Seen,
) -> Generator[StringCommand, None, None]:
    """Make a running server have an account for each of its clients, and for nobody else.

    + account: its name.
    + database: where its rights are; ``*``: everywhere.
    + clients: addresses that it comes from.
    + password: its password; UNKNOWN in a preview that does not know it yet.
    + reads: further databases, in which it may look.
    + rights: what it may do there; the application's own unless it is said.
    + seen: what is so on the node.

    Only where the server runs: its peer reads the same accounts from the same disk later on, so
    that neither node has anything to do after a switchover. In a GTID pair the peer reads them from
    the log; one that was made anew has begun with the accounts of today, so that each statement
    passes where it finds its work done. Connections that are open stay. The statements travel on
    standard input: no process list, log or diff of the node shows them.
    """
    if seen.mysql is None:
        host.noop("no MySQL server answers here")
        return
    reasons: list[str] = []
    statements: list[str] = []
    found = seen.mysql.accounts.get(account, {})
    for gone in sorted(set(found) - set(clients)):
        reasons.append(f"{account}@{gone} is no client; its account is dropped")
        statements.append(f"DROP USER IF EXISTS {_name(account, gone)}")
    for client in clients:
        reason, needed = _account(account, client, password, found.get(client))
        reasons += reason
        statements += needed
        held = found.get(client, SeenAccount())
        reason, needed = _rights(account, client, (database, rights), reads, held)
        reasons += reason
        statements += needed
    if not statements:
        host.noop(f"the accounts of {account} are as planned")
        return
    explain("\n".join(reasons))
    yield StringCommand(CLIENT, _stdin="".join(f"{text};\n" for text in statements))


@operation()
def metadata(
    places: Sequence[str], statements: str, *, seen: Seen
) -> Generator[StringCommand, None, None]:
    """Make a source have the schema that MySQL Router reads; its replica gets it by the log.

    + places: where Router is to find servers, in their order.
    + statements: what makes it; each of them passes where its work is done.
    + seen: what is so on the node.
    """
    if seen.mysql is None:
        host.noop(ELSEWHERE)
        return
    if seen.mysql.metadata == tuple(places):
        host.noop(f"{METADATA} is as planned")
        return
    was = ", ".join(seen.mysql.metadata) or "nothing"
    explain(f"{METADATA}: MySQL Router finds {was}; it becomes {', '.join(places)}")
    yield StringCommand(CLIENT, _stdin=statements)


@operation()
def table(table: str, statement: str, *, seen: Seen) -> Generator[StringCommand, None, None]:
    """Make a source have a table that it was made without; its peer gets it as it gets rows.

    + table: with its schema, ``site.contents``.
    + statement: what makes it, and passes where it is there.
    + seen: what is so on the node.
    """
    if seen.mysql is None:
        host.noop(ELSEWHERE)
        return
    if table in seen.mysql.tables:
        host.noop(f"{table} is there")
        return
    explain(f"table {table} is missing; it is made, empty")
    yield StringCommand(CLIENT, _stdin=statement)


def _account(
    account: str, client: str, password: str, found: SeenAccount | None
) -> tuple[list[str], list[str]]:
    proof = f"IDENTIFIED WITH {PLUGIN} BY {quoted(password)} REQUIRE SSL"
    if found is None:
        reason = f"{account}@{client} has no account; it is made"
        return [reason], [f"CREATE USER IF NOT EXISTS {_name(account, client)} {proof}"]
    wrong = _wrong(password, found)
    if not wrong:
        return [], []
    reason = f"{account}@{client}: {', '.join(wrong)}"
    return [reason], [f"ALTER USER IF EXISTS {_name(account, client)} {proof} ACCOUNT UNLOCK"]


def _wrong(password: str, found: SeenAccount) -> list[str]:
    wrong = []
    if password is UNKNOWN:
        wrong.append(f"its password {UNKNOWN}")
    elif not found.lets_in(password):
        wrong.append("its password is another one")
    if not found.tls:
        wrong.append("it may come without TLS")
    if found.locked:
        wrong.append("it is locked")
    return wrong


def _rights(
    account: str,
    client: str,
    own: tuple[str, Sequence[str]],
    reads: Sequence[str],
    found: SeenAccount,
) -> tuple[list[str], list[str]]:
    database, rights = own
    wanted = {f"{right} ON {database}.*" for right in rights}
    wanted |= {f"SELECT ON {other}.*" for other in reads}
    if found.rights == wanted:
        return [], []
    name = _name(account, client)
    scope = database if database == "*" else f"`{database}`"
    grants = [f"GRANT {', '.join(rights)} ON {scope}.* TO {name}"]
    grants += [f"GRANT SELECT ON `{other}`.* TO {name}" for other in reads]
    surplus = sorted(found.rights - wanted)
    if surplus:
        # All at once and back again: for a moment it has none, which only a change by hand costs.
        reason = f"{account}@{client} may {_listed(surplus)}; it may not any more"
        return [reason], [f"REVOKE ALL PRIVILEGES, GRANT OPTION FROM {name}", *grants]
    missing = sorted(wanted - found.rights)
    return [f"{account}@{client} gets {_listed(missing)}"], grants


def _listed(rights: Iterable[str]) -> str:
    return ", ".join(rights)


def _name(account: str, client: str) -> str:
    return f"{quoted(account)}@{quoted(client)}"
