"""MySQL on a replicated disk: whoever holds the disk serves it, with every row acknowledged.

Needs: node.data.mysql; blocks drbd and heartbeat, which mount the disk and start the daemon; the
    secrets that the plan names: certificate, its key, the application's password; one uid of mysql
    on both nodes, which one image gives them.
Ensures: settings, TLS, no start without its mount, a data directory with database and accounts
    on a new disk; a unit that nothing but Heartbeat starts; its program in the memory of the node
    that may take over; where the server runs, an account of the application for each client's
    address, with the planned password and four rights.
Restart: never, files only: every value holds from the server's next start, a switchover. datadir,
    port, bind_address, mysqlx, skip_name_resolve, performance_schema and pid_file have no other
    way. The rest a person may set at once besides (SET GLOBAL; a new certificate by ``ALTER
    INSTANCE RELOAD TLS``). Accounts and their password follow the plan at once, without a
    restart: a client that joins gets one, one that leaves loses it, and a new password is refused
    to clients that have not got it yet. The database and its tables are made with the disk, once.
Pair order: any.
Verify: unit's state at boot; on the holder settings and accounts. Checkers: checks.py.
Fails when: the mount or the data directory is missing: the start is refused in words. A data
    directory is there already: the first data refuse. AppArmor, which our image does not have,
    guards mysqld by its old rules: load them again.
Refs: mysqld(8), the reference manual of MySQL 9.7, documents 000 and 001.

Kept from the documents: MySQL on DRBD under Heartbeat's control, one VIP.

Replaced knowingly: root without a password -> the local socket. Grants to ``%`` -> one account per
client address, one database, four rights, TLS. my.cnf by hand -> one file beside the package's.
The package's test start before each start -> gone (the drop-in says why).
"""

from __future__ import annotations

from pathlib import PurePosixPath

from bootstrap.blocks.mysql import checks as verify
from bootstrap.checks import Check
from bootstrap.managed import Boot, ManagedFile, Manifest, Unit, place_of
from bootstrap.operations import mysql as operations
from bootstrap.render import render
from bootstrap.shared import pairs
from bootstrap.shared.systemd import CHECK_CALENDAR, CHECK_DROP_IN, check_unit
from bootstrap.site import Site, ensure_active
from stacks.capacity import PHP_PROCESSES
from stacks.plan_data_types import ServiceGroup
from stacks.plan_mysql_types import MysqlPlan
from stacks.plan_types import DeployPlan, NodePlan

NAME = "mysql"
UNIT = "mysql.service"
PROGRAM = "/usr/sbin/mysqld"
WARM, WARM_TIMER = "pairwise-mysql-warm.service", "pairwise-mysql-warm.timer"
"""What keeps the program in memory on the node that does not run it."""
CONFIG = "/etc/mysql/mysql.conf.d/pairwise.cnf"
FOLDER = "/etc/pairwise/mysql"
CERTIFICATE = f"{FOLDER}/cert.pem"
KEY = f"{FOLDER}/key.pem"
FIRST_SQL = f"{FOLDER}/first.sql"
CONTENTS = "contents"
"""Table for what is uploaded where there is no share."""
APPARMOR = "/etc/apparmor.d/local/usr.sbin.mysqld"
SPARE_CONNECTIONS = 16
"""Beside the clients' processes: a person, a backup, and what a dead client has left open."""
REPLICA_CONNECTIONS = 4
"""Its receiver, one that a dead machine has left, a copy, and its agent's."""
REDO_MIB = 8
"""The least that InnoDB takes; a crash leaves at most so much to be read again."""
LOG_BUFFER_MIB = 4
"""What transactions may write before the log is flushed; the default was a quarter of mysqld's
memory (290 MB, then 227)."""
ROLLBACK_SEGMENTS = 16
"""Instead of 128: of a start under emulation 1.3 s went into two tablespaces of so many, and 1.7 s
into as many temporary ones (seen once)."""
TEMPORARY_NAME = "pairwise-mysql"
TEMPORARY = f"/var/cache/{TEMPORARY_NAME}"
"""Where InnoDB has its temporary tablespaces, on the node's own disk."""
TEMPORARY_MIB = 256
"""So much all queries may keep there at once; a lab's root disk has ten times that left."""
BINLOG_MIB = 8
"""Small files, so that what has expired can go."""
BINLOG_KEEP_S = 24 * 3600
"""From one nightly backup to the next."""
STOP_S = 120
"""A stop takes 1.5 s on an idle server without emulation; block heartbeat allows 300 s for all
groups."""


SIZES: dict[str, object] = {
    "redo_mib": REDO_MIB,
    "log_buffer_mib": LOG_BUFFER_MIB,
    "stop_s": STOP_S,
    "binlog_mib": BINLOG_MIB,
    "binlog_keep_s": BINLOG_KEEP_S,
    "rollback_segments": ROLLBACK_SEGMENTS,
    "temporary": TEMPORARY,
    "temporary_name": TEMPORARY_NAME,
    "temporary_mib": TEMPORARY_MIB,
}
"""What the templates know of every server, replicated by DRBD or by GTID."""


def rendered(
    template: str,
    node: NodePlan,
    plan: DeployPlan,
    mysql: MysqlPlan,
    *,
    each: int = PHP_PROCESSES,
    **more: object,
) -> str:
    """A template of the block with what holds for every server, replicated by DRBD or by GTID.

    ``each`` is how many connections one client machine may have open.
    """
    return render(
        f"blocks/mysql/templates/{template}.j2",
        stack=plan.stack,
        node=node,
        mysql=mysql,
        password=place_of(mysql.password),
        certificate=CERTIFICATE,
        key=KEY,
        sql=FIRST_SQL,
        folder=FOLDER,
        data=PurePosixPath(mysql.data).name,
        max_connections=each * len(mysql.clients)
        + REPLICA_CONNECTIONS * len(mysql.replicas)
        + SPARE_CONNECTIONS,
        contents=CONTENTS,
        **SIZES,
        **more,
    )


def files(node: NodePlan, plan: DeployPlan) -> tuple[ManagedFile, ...]:
    """Every file of the block, in the order in which they are written."""
    mysql, group = _own(node)

    def text(template: str) -> str:
        return rendered(
            template,
            node,
            plan,
            mysql,
            gtid=None,
            program=PROGRAM,
            metadata_sql="",
            places={other.secret: place_of(other.secret) for other in mysql.accounts},
        )

    return (
        ManagedFile(
            path=f"{pairs.FIRST_DATA_HOOKS}/{group.on_disk.resource}",
            content=text("first-data"),
            mode=0o755,
            check="sh -n %s",
        ),
        ManagedFile(
            path=FIRST_SQL,
            content=text("first.sql"),
            mode=0o600,
            secrets=(mysql.password, *(other.secret for other in mysql.accounts)),
        ),
        pem(CERTIFICATE, mysql.certificate, plan),
        pem(KEY, mysql.key, plan, private=True),
        ManagedFile(path=APPARMOR, content=text("apparmor")),
        ManagedFile(
            path=f"/etc/systemd/system/{UNIT}.d/pairwise.conf",
            content=text("unit.d.conf"),
            check=CHECK_DROP_IN,
        ),
        ManagedFile(
            path=f"/etc/systemd/system/{WARM}",
            content=text("warm.service"),
            check=check_unit(WARM),
        ),
        ManagedFile(
            path=f"/etc/systemd/system/{WARM_TIMER}",
            content=text("warm.timer"),
            check=CHECK_CALENDAR,
        ),
        ManagedFile(
            path=CONFIG,
            content=text("pairwise.cnf"),
            effect=pairs.NEEDS_SWITCHOVER,
            check=verify.CHECK_SETTINGS,
        ),
    )


def pem(path: str, secret: str, plan: DeployPlan, *, private: bool = False) -> ManagedFile:
    """A certificate, or its key, which only the server may read."""
    owner = "mysql" if private else "root"
    return ManagedFile(
        path=path,
        # Text after the block is none of a reader's business.
        content=f"{place_of(secret)}\n"
        f"# Managed by pairwise (stacks/{plan.stack}); local edits are lost.\n",
        mode=0o600 if private else 0o644,
        owner=owner,
        group=owner,
        secrets=(secret,),
    )


def manifest(node: NodePlan, plan: DeployPlan) -> Manifest:
    """All that the block owns on a node."""
    mysql, _ = _own(node)
    return Manifest(
        block=NAME,
        packages=("mysql-server", "mysql-client"),
        files=files(node, plan),
        units=(Unit(name=UNIT, boot=Boot.DISABLED, running=None), Unit(name=WARM_TIMER)),
        mysql_accounts=(mysql.account, *(other.name for other in mysql.accounts)),
    )


def activate(site: Site) -> None:
    """The unit's state at boot; then what the application needs, where the server runs."""
    ensure_active(site)
    ensure_database(site, _own(site.node)[0])


def ensure_database(site: Site, mysql: MysqlPlan, *, reads: tuple[str, ...] = ()) -> None:
    """The application's tables and accounts are as planned, where this server may be written to."""
    operations.table(
        name=site.named(f"table {CONTENTS}"),
        table=f"{mysql.database}.{CONTENTS}",
        statement=render("blocks/mysql/templates/contents.sql.j2", mysql=mysql, contents=CONTENTS),
        seen=site.seen,
    )
    operations.accounts(
        name=site.named(f"accounts of {mysql.account}"),
        account=mysql.account,
        database=mysql.database,
        clients=[str(client) for client in mysql.clients],
        password=site.secrets[mysql.password],
        reads=reads,
        seen=site.seen,
    )
    for other in mysql.accounts:
        operations.accounts(
            name=site.named(f"accounts of {other.name}"),
            account=other.name,
            database=other.scope,
            clients=list(other.clients),
            password=site.secrets[other.secret],
            rights=other.rights,
            seen=site.seen,
        )


def checks(node: NodePlan, plan: DeployPlan) -> tuple[Check, ...]:
    """What ``pairwise verify`` tries."""
    mysql, _ = _own(node)
    return verify.checks(node, mysql, stack=plan.stack, unit=UNIT)


def _own(node: NodePlan) -> tuple[MysqlPlan, ServiceGroup]:
    if node.data is None or node.data.mysql is None:
        raise ValueError(f"Node {node.name} has role mysql and no MySQL server in its plan.")
    return node.data.mysql, node.data.group("mysql")
