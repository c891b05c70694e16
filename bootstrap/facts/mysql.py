"""Accounts of the MySQL server that runs on the node, through its local socket.

Where none runs, or it gives no answer in time, or is read-only, nothing is seen: the other node of
the pair has it.

An account's verifier travels over SSH into the memory of the process that holds the password
itself, and no further: there it says whether that password would be let in. The password is sent
nowhere for that, and stands on no command line.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

SOCKET = "/run/mysqld/mysqld.sock"
"""Debian's own (mysqld --help)."""
PATIENCE_S = 10
"""A server whose disk is frozen (its peer is being fenced) answers later than any preview waits."""
PLUGIN = "caching_sha2_password"
"""MySQL's own default for accounts with a password."""
RUNS = "runs"
METADATA = "mysql_innodb_cluster_metadata"
"""The schema that MySQL Router reads; its name is not ours to choose."""
INSTANCES = "v2_instances"
"""Its view of the servers, which has a row for each place."""
OWN_SCHEMAS = '"mysql", "sys", "information_schema", "performance_schema"'
"""The server's own, as a list in SQL."""

_VERIFIER = re.compile(rb"\$A\$([0-9A-F]{3})\$(.{20})[./0-9A-Za-z]{43}", re.DOTALL)
"""Thousands of rounds (caching_sha2_password_digest_rounds; 9.7 writes ``00A``), salt, digest."""
_THOUSAND = 1000
_DIGITS = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def client(socket: str) -> str:
    """Command line of the client to the server of a local socket, as the system's root, who needs
    no password there; statements come on standard input."""
    return f"mysql --no-defaults --socket={socket} --user=root --batch --skip-column-names"


CLIENT = client(SOCKET)
"""The same to the package's own server."""


@dataclass(frozen=True, kw_only=True)
class SeenAccount:
    """One account, as mysql.user and the grants have it."""

    plugin: str = PLUGIN
    """How it proves who it is."""
    tls: bool = False
    """Whether it must come by TLS."""
    locked: bool = False
    """Whether nobody may use it."""
    verifier: bytes = field(default=b"", repr=False)
    """``authentication_string``."""
    rights: frozenset[str] = frozenset()
    """``SELECT ON site.*`` and the like; ``*.*`` for those on everything."""

    def lets_in(self, password: str) -> bool:
        """Whether the server would accept this password."""
        found = _VERIFIER.fullmatch(self.verifier)
        if self.plugin != PLUGIN or found is None:
            return False
        again = verifier(password, salt=found[2], rounds=int(found[1], 16) * _THOUSAND)
        return again == self.verifier


@dataclass(frozen=True, kw_only=True)
class SeenMysql:
    """A server that runs here."""

    accounts: dict[str, dict[str, SeenAccount]] = field(default_factory=dict)
    """Of each account that was asked for: host -> what it is there."""
    metadata: tuple[str, ...] = ()
    """Where Router finds servers, as it reads them; empty: there is no schema for it."""
    tables: frozenset[str] = frozenset()
    """``site.visits`` and the like; the server's own left out."""


def script(accounts: Iterable[str]) -> str:
    """Shell text that prints what ``process`` reads; nothing where no server runs."""
    asked = ", ".join(f'"{name}"' for name in accounts)
    if not asked:
        return ""
    option = 'IF(is_grantable = "YES", " GRANTABLE", "")'
    grantee = 'SUBSTRING_INDEX(REPLACE(grantee, CHAR(39), ""), "@", 1)'
    host = 'SUBSTRING_INDEX(REPLACE(grantee, CHAR(39), ""), "@", -1)'
    scopes = (
        ("user_privileges", '"*.*"', ' AND privilege_type <> "USAGE"'),
        ("schema_privileges", 'CONCAT(table_schema, ".*")', ""),
        ("table_privileges", 'CONCAT(table_schema, ".", table_name)', ""),
    )
    statements = [
        # A read-only server of a pair has its accounts from the other one.
        f'SELECT "{RUNS}" FROM DUAL WHERE NOT @@super_read_only',
        'SELECT "table", CONCAT(table_schema, ".", table_name) FROM information_schema.tables'
        f" WHERE table_schema NOT IN ({OWN_SCHEMAS})",
        'SELECT "account", user, host, plugin, ssl_type <> "", account_locked = "Y",'
        f" HEX(authentication_string) FROM mysql.user WHERE user IN ({asked})",
        *(
            f'SELECT "right", {grantee}, {host}, CONCAT(privilege_type, {option}, " ON ", {scope})'
            f" FROM information_schema.{view} WHERE {grantee} IN ({asked}){more}"
            for view, scope, more in scopes
        ),
        # A view that is not there cannot be named: it would end all that comes after it.
        "SET @ask = IF((SELECT COUNT(*) FROM information_schema.views WHERE"
        f' table_schema = "{METADATA}" AND table_name = "{INSTANCES}"),'
        f' "SELECT ""metadata"", address FROM {METADATA}.{INSTANCES} ORDER BY instance_id",'
        ' "DO 0")',
        "PREPARE ask FROM @ask",
        "EXECUTE ask",
    ]
    text = "; ".join(statements)
    return f"[ -S {SOCKET} ] && echo '{text}' | timeout {PATIENCE_S} {CLIENT}"


def process(lines: Iterable[str]) -> SeenMysql | None:
    """The server that runs here; None where none does."""
    rows = [line.split("\t") for line in lines]
    if [RUNS] not in rows:
        return None
    accounts: dict[str, dict[str, SeenAccount]] = {}
    for _, user, host, plugin, tls, locked, code in (r for r in rows if r[0] == "account"):
        accounts.setdefault(user, {})[host] = SeenAccount(
            plugin=plugin,
            tls=tls == "1",
            locked=locked == "1",
            verifier=bytes.fromhex(code),
            rights=frozenset(r[3] for r in rows if r[:3] == ["right", user, host]),
        )
    return SeenMysql(
        accounts=accounts,
        metadata=tuple(r[1] for r in rows if r[0] == "metadata"),
        tables=frozenset(r[1] for r in rows if r[0] == "table"),
    )


def verifier(password: str, *, salt: bytes, rounds: int) -> bytes:
    """What MySQL keeps of a password: SHA-256 crypt with a salt of 20 bytes, thousands of rounds.

    Source: https://www.akkadia.org/drepper/SHA-crypt.txt, and sql/auth/sha2_password_common.cc of
    MySQL 9.7. libcrypt's own takes 16 bytes of salt, so it cannot be asked.
    """
    key = password.encode()
    inner = _repeated(_sha(key + salt + key), len(key))
    mixed, bits = key + salt + inner, len(key)
    while bits:
        mixed += _sha(key + salt + key) if bits & 1 else key
        bits >>= 1
    digest = _sha(mixed)
    keys = _repeated(_sha(key * len(key)), len(key))
    salts = _repeated(_sha(salt * (16 + digest[0])), len(salt))
    for turn in range(rounds):
        text = keys if turn & 1 else digest
        text += salts if turn % 3 else b""
        text += keys if turn % 7 else b""
        digest = _sha(text + (digest if turn & 1 else keys))
    return b"$A$%03X$%b%b" % (rounds // _THOUSAND, salt, _encoded(digest))


def _sha(text: bytes) -> bytes:
    return hashlib.sha256(text).digest()


def _repeated(text: bytes, length: int) -> bytes:
    return (text * (length // len(text) + 1))[:length]


def _encoded(digest: bytes) -> bytes:
    """The 32 bytes in crypt's own order, three of them as four digits, low bits first."""
    groups = []
    high, middle, low = 0, 10, 20
    for _ in range(10):
        groups.append((digest[high], digest[middle], digest[low], 4))
        high, middle, low = low + 1, high + 1, middle + 1
    groups.append((0, digest[31], digest[30], 3))
    text = bytearray()
    for one, two, three, count in groups:
        number = one << 16 | two << 8 | three
        text += bytes(_DIGITS[number >> 6 * place & 63] for place in range(count))
    return bytes(text)
