"""MySQL's checkers, and what ``pairwise verify`` tries on a node of its pair.

Checkers: the settings by ``mysqld --validate-config``, the drop-in by ``systemd-analyze verify``,
the hook by ``sh -n``; statements, certificate and key have none. What needs a running server is
tried where it runs, and counts as so on the other node.
"""

from __future__ import annotations

from bootstrap.checks import Check
from bootstrap.facts.mysql import CLIENT, PATIENCE_S, PLUGIN
from stacks.plan_gtid_types import SEMISYNC_MS, GtidPlan
from stacks.plan_mysql_types import MysqlPlan
from stacks.plan_types import NodePlan

CHECK_SETTINGS = "mysqld --defaults-file=%s --user=mysql --validate-config"


def checks(node: NodePlan, mysql: MysqlPlan, *, stack: str, unit: str) -> tuple[Check, ...]:
    """The unit's state at boot; on the holder its answer, its settings and who may come in."""
    switchover = f"`pairwise switchover {stack} {node.member}/mysql` starts it with its settings."
    names = (mysql.account, *(other.name for other in mysql.accounts))
    known = ", ".join(f'"{name}"' for name in names)
    return (
        Check(
            name="mysql: nothing but Heartbeat starts the server",
            command=f'test "$(systemctl is-enabled {unit})" = disabled',
            failure=f"{unit} would start by itself on {node.name}: `pairwise up {stack}`.",
        ),
        Check(
            name="mysql: what is acknowledged is on the disk",
            command=_holds(
                unit, "SELECT @@innodb_flush_log_at_trx_commit = 1 AND @@sync_binlog = 1"
            ),
            failure=f"MySQL of {node.name} writes through no more, or is silent: {switchover}",
        ),
        Check(
            name="mysql: it runs from the replicated disk, under its own id",
            command=_holds(unit, f'SELECT @@datadir = "{mysql.data}/" AND @@server_id = {node.id}'),
            failure=f"MySQL of {node.name} runs with other settings than planned: {switchover}",
        ),
        Check(
            name="mysql: over the network come only known accounts, by TLS, with a password",
            command=_holds(
                unit,
                "SELECT @@require_secure_transport AND NOT EXISTS (SELECT 1 FROM mysql.user WHERE"
                f' host <> "localhost" AND (user NOT IN ({known}) OR plugin <> "{PLUGIN}" OR'
                ' ssl_type = "") OR user = "")',
            ),
            failure=f"MySQL of {node.name} lets in more than its planned accounts:"
            " SELECT user, host, plugin, ssl_type FROM mysql.user shows whom; drop them by hand.",
        ),
    )


def gtid_checks(node: NodePlan, gtid: GtidPlan, *, stack: str, unit: str) -> tuple[Check, ...]:
    """What holds on each node of a GTID pair, whatever its role is."""
    known = ", ".join(f'"{name}"' for name in (gtid.mysql.account, *_names(gtid)))
    again = f"`pairwise replication check {stack}` says more."
    return (
        Check(
            name="mysql: nothing acknowledges before it is on a disk",
            command=_holds(
                unit,
                "SELECT @@innodb_flush_log_at_trx_commit = 1 AND @@sync_binlog = 1 AND"
                ' @@sync_relay_log = 1 AND @@rpl_semi_sync_source_wait_point = "AFTER_SYNC" AND'
                " @@rpl_semi_sync_source_wait_no_replica AND"
                f" @@rpl_semi_sync_source_timeout = {SEMISYNC_MS}",
            ),
            failure=f"MySQL of {node.name} acknowledges earlier than planned: {again}",
        ),
        Check(
            name="mysql: GTID, under its own id, from its own disk",
            command=_holds(
                unit,
                f'SELECT @@datadir = "{gtid.mysql.data}/" AND @@server_id = {node.id}'
                ' AND @@gtid_mode = "ON" AND @@log_replica_updates',
            ),
            failure=f"MySQL of {node.name} runs with other settings than planned: {again}",
        ),
        Check(
            name="mysql: over the network come only known accounts, by TLS, with a password",
            command=_holds(
                unit,
                "SELECT @@require_secure_transport AND NOT EXISTS (SELECT 1 FROM mysql.user WHERE"
                f' host <> "localhost" AND (user NOT IN ({known}) OR plugin <> "{PLUGIN}" OR'
                ' ssl_type = "") OR user = "")',
            ),
            failure=f"MySQL of {node.name} lets in more than its planned accounts:"
            " SELECT user, host, plugin, ssl_type FROM mysql.user shows whom; drop them by hand.",
        ),
    )


def _names(gtid: GtidPlan) -> tuple[str, ...]:
    return tuple(account.name for account in gtid.accounts)


def _holds(unit: str, query: str) -> str:
    """Shell text: the server runs elsewhere, or this one says that it is so."""
    asked = f"echo '{query}' | timeout {PATIENCE_S} {CLIENT}"
    return f'! systemctl is-active --quiet {unit} || test "$({asked})" = 1'
