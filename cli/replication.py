"""Each condition of a GTID pair by name, from what both servers say; pure functions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bootstrap.shared import gtids
from stacks.plan_gtid_types import SEMISYNC_MS, GtidPlan

DRIFT_S = 2.0
"""Clocks that differ by more make the times in both logs useless."""
MARK = "== "
VARIABLES = (
    "server_id", "server_uuid", "version", "log_bin", "gtid_mode", "enforce_gtid_consistency",
    "log_replica_updates", "super_read_only", "lower_case_table_names", "binlog_format",
    "sync_binlog", "innodb_flush_log_at_trx_commit", "sync_relay_log", "gtid_executed",
    "gtid_purged", "rpl_semi_sync_source_enabled", "rpl_semi_sync_source_timeout",
    "rpl_semi_sync_source_wait_point", "rpl_semi_sync_source_wait_no_replica",
    "rpl_semi_sync_replica_enabled", "require_secure_transport",
)  # fmt: skip
"""All that is asked for by name."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What one node's server said."""

    variables: Mapping[str, str]
    """Global variables and counters."""
    replica: Mapping[str, str]
    """SHOW REPLICA STATUS; empty: none is configured."""
    accounts: tuple[str, ...]
    """``name@host`` of accounts between the nodes that ask for TLS."""
    engines: tuple[str, ...]
    """Storage engines of tables of the application, other than InnoDB."""
    plugins: tuple[str, ...]
    """Active plugins."""
    offset_s: float
    """Its clock, less this machine's."""

    def executed(self) -> gtids.Gtids:
        """gtid_executed."""
        return gtids.parse(self.variables.get("gtid_executed", ""))


@dataclass(frozen=True, kw_only=True)
class Result:
    """One condition."""

    name: str
    """What is looked at."""
    passed: bool
    """Whether it holds."""
    found: str
    """What was seen."""


def script() -> str:
    """Shell text whose output ``parse`` understands."""
    bare = "timeout 10 mysql --no-defaults --user=root --batch"
    client = f"{bare} --skip-column-names"
    columns = ", ".join(f"'{name}', @@{name}" for name in VARIABLES)
    rows = f"SELECT CONCAT_WS('\\n', {columns})"
    questions = {
        "variables": rows,
        "clients": "SHOW GLOBAL STATUS LIKE 'Rpl_semi_sync_source_clients'",
        "accounts": (
            "SELECT CONCAT(user, '@', host) FROM mysql.user WHERE user LIKE 'pairwise\\\\_%'"
            " AND ssl_type <> ''"
        ),
        "engines": (
            "SELECT DISTINCT engine FROM information_schema.tables WHERE table_type = 'BASE TABLE'"
            " AND engine <> 'InnoDB' AND table_schema NOT IN"
            " ('mysql', 'sys', 'performance_schema', 'information_schema')"
        ),
        "plugins": (
            "SELECT plugin_name FROM information_schema.plugins WHERE plugin_status = 'ACTIVE'"
        ),
        "time": "SELECT UNIX_TIMESTAMP(NOW(6))",
    }
    lines = [
        f"echo '{MARK}{name}'; {client} --raw <<'EOF'\n{text};\nEOF"
        for name, text in questions.items()
    ]
    # Field and value on a line of their own; the values of sets have line ends in them. The time
    # comes last, so that it is heard at once.
    status = f"echo '{MARK}replica'; {bare} -E <<'EOF'\nSHOW REPLICA STATUS;\nEOF"
    lines.insert(-1, status)
    return "\n".join([*lines, f"echo '{MARK}end'", ""])


def parse(output: str, *, heard: float) -> Answer | None:
    """A node's answer; None: it was cut off, or the server is silent.

    Args:
        output: of ``script``. heard: when it ended, Unix seconds of this machine.
    """
    parts: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in output.splitlines():
        if line.startswith(MARK):
            lines = parts.setdefault(line.removeprefix(MARK), [])
        else:
            lines.append(line)
    if "end" not in parts or not parts.get("variables"):
        return None
    clients = dict(line.split("\t") for line in parts["clients"] if "\t" in line)
    return Answer(
        variables=_pairs(parts["variables"]) | clients,
        replica=_fields(parts.get("replica", [])),
        accounts=tuple(parts["accounts"]),
        engines=tuple(parts["engines"]),
        plugins=tuple(parts["plugins"]),
        offset_s=float(parts["time"][0]) - heard,
    )


def _pairs(lines: Sequence[str]) -> dict[str, str]:
    """A name, then its value, which for sets goes over several lines."""
    found: dict[str, str] = {}
    name = ""
    for line in lines:
        if line in VARIABLES:
            name = line
            found[name] = ""
        else:
            found[name] = found.get(name, "") + line
    return found


def _fields(lines: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    name = ""
    for line in lines:
        head, colon, value = line.partition(": ")
        if colon and head.strip().isidentifier():
            name = head.strip()
            found[name] = value.strip()
        elif name and not line.startswith("*"):
            found[name] += line.strip()
    return found


def check(plan: GtidPlan, answers: Mapping[str, Answer]) -> list[Result]:
    """Every condition, those of both nodes first."""
    if len(answers) != len(plan.addresses):
        missing = ", ".join(sorted(set(plan.addresses) - set(answers)))
        results = [Result(name="both servers answer", passed=False, found=f"silent: {missing}")]
    else:
        results = [Result(name="both servers answer", passed=True, found=", ".join(answers))]
    for name, answer in answers.items():
        results += _of_node(plan, name, answer)
    if len(answers) == len(plan.addresses):
        results += _of_pair(plan, answers)
    return results


def _of_node(plan: GtidPlan, name: str, answer: Answer) -> Iterator[Result]:
    wanted = {
        "binary log is on": ("log_bin", "1"),
        "GTID mode is on": ("gtid_mode", "ON"),
        "GTID consistency is enforced": ("enforce_gtid_consistency", "ON"),
        "what is replicated is logged": ("log_replica_updates", "1"),
        "binary log format is row": ("binlog_format", "ROW"),
        "binary log is synced": ("sync_binlog", "1"),
        "redo log is synced": ("innodb_flush_log_at_trx_commit", "1"),
        "relay log is synced": ("sync_relay_log", "1"),
        "semi-sync waits after sync": ("rpl_semi_sync_source_wait_point", "AFTER_SYNC"),
        "semi-sync waits without a replica": ("rpl_semi_sync_source_wait_no_replica", "1"),
        "semi-sync has no time-out": ("rpl_semi_sync_source_timeout", str(SEMISYNC_MS)),
        "TLS is required": ("require_secure_transport", "1"),
    }
    for what, (variable, value) in wanted.items():
        found = answer.variables.get(variable, "")
        yield Result(name=f"{name}: {what}", passed=found == value, found=f"{variable} = {found}")
    accounts = {
        f"{account.name}@{address}"
        for account in plan.accounts
        for address in plan.addresses.values()
    }
    missing = sorted(accounts - set(answer.accounts))
    text = f"missing: {', '.join(missing)}" if missing else "all, with TLS"
    yield Result(name=f"{name}: accounts between the nodes", passed=not missing, found=text)
    engines = ", ".join(answer.engines)
    text = engines or "InnoDB only"
    yield Result(name=f"{name}: storage engines", passed=not engines, found=text)
    lacks = {"rpl_semi_sync_source", "rpl_semi_sync_replica", "clone"} - set(answer.plugins)
    text = f"missing: {', '.join(sorted(lacks))}" if lacks else "semi-sync and clone"
    yield Result(name=f"{name}: plugins", passed=not lacks, found=text)


def _of_pair(plan: GtidPlan, answers: Mapping[str, Answer]) -> Iterator[Result]:
    (one, first), (other, second) = answers.items()
    for what, variable, same in (
        ("server ids differ", "server_id", False),
        ("server uuids differ", "server_uuid", False),
        ("versions match", "version", True),
        ("lower_case_table_names match", "lower_case_table_names", True),
    ):
        values = (first.variables.get(variable), second.variables.get(variable))
        text = f"{values[0]}, {values[1]}"
        yield Result(name=what, passed=(values[0] == values[1]) is same, found=text)
    drift = abs(first.offset_s - second.offset_s)
    yield Result(name="clocks agree", passed=drift < DRIFT_S, found=f"{drift:.1f} s apart")
    sources = [name for name, a in answers.items() if a.variables.get("super_read_only") == "0"]
    text = ", ".join(sources) or "none"
    yield Result(name="one server may be written to", passed=len(sources) == 1, found=text)
    if len(sources) == 1:
        replica = one if sources[0] == other else other
        yield from _of_replica(plan, answers[sources[0]], answers[replica], replica)


def _of_replica(plan: GtidPlan, source: Answer, replica: Answer, name: str) -> Iterator[Result]:
    status = replica.replica
    hosts = {str(address) for node, address in plan.addresses.items() if node != name}
    for what, field, wanted in (
        ("it follows the source", "Source_Host", hosts),
        ("its receiver runs", "Replica_IO_Running", {"Yes"}),
        ("its applier runs", "Replica_SQL_Running", {"Yes"}),
        ("it places itself by GTID", "Auto_Position", {"1"}),
        ("it verifies the source's certificate", "Source_SSL_Verify_Server_Cert", {"Yes"}),
    ):
        found = status.get(field, "")
        problem = status.get("Last_IO_Error") or status.get("Last_SQL_Error") or ""
        text = f"{field} = {found}" + (f" ({problem})" if problem and found not in wanted else "")
        yield Result(name=f"{name}: {what}", passed=found in wanted, found=text)
    errant = replica.executed() - source.executed()
    errant = errant - errant.made_by(source.variables["server_uuid"].lower())
    text = errant.text() or "none"
    yield Result(name=f"{name}: transactions that the source lacks", passed=not errant, found=text)
    behind = source.executed() - replica.executed()
    purged = gtids.parse(source.variables.get("gtid_purged", "")) - replica.executed()
    text = behind.text() or "none"
    yield Result(
        name=f"{name}: transactions to come, all still in the source's log",
        passed=not purged,
        found=text,
    )
    waits = source.variables.get("rpl_semi_sync_source_enabled") == "1"
    acks = replica.variables.get("rpl_semi_sync_replica_enabled") == "1"
    clients = source.variables.get("Rpl_semi_sync_source_clients", "0")
    yield Result(
        name="semi-sync: the source waits and the replica acknowledges",
        passed=waits and acks and clients == "1",
        found=f"source {'waits' if waits else 'alone'}, replica "
        f"{'acknowledges' if acks else 'does not'}, {clients} connected",
    )
