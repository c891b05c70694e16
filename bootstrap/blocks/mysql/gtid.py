"""MySQL on each node's own disk, replicated by GTID: read-only until the reconciler says otherwise.

Needs: node.gtid; the secrets that the plan names: certificate, its key, the passwords of the
    application and of the accounts between the nodes.
Ensures: settings (semi-synchronous after sync, without a limit of time; super_read_only at each
    start; CLONE; TLS), a data directory on the root disk, made at the first start and never over
    one that is there, with the same accounts on both nodes; a unit that starts at boot and always
    comes back; on the source an account of the application for each client's address.
Restart: never, files only: every value holds from the server's next start. Switch the source away,
    restart the node's mysql.service, switch back.
Pair order: any.
Verify: unit, settings and accounts. Checkers: checks.py.
Fails when: the data directory is half made: it is made anew, it was never served. A folder of that
    name with something else in it: the server refuses it in its log.
Refs: document 003, the reference manual of MySQL 9.7 (replication, semisync, clone plugin).

Kept from document 003: GTID, semi-synchronous replication, super_read_only on the replica.

Replaced knowingly: asynchronous replication by a timeout -> none, only the reconciler lets a source
go on alone. Grants to ``%`` -> one account per purpose and address, one right each, TLS.
mysqldump for the first copy -> both begin alike and empty; later copies by CLONE.
SIGTERM to end the server -> read-only first, else SIGKILL: at its end a source gives up waiting,
and tells its clients that writes are kept which its replica has not (seen with 9.7.4).
A disk of its own -> the root disk, which a replaced machine has anew: its data are its peer's.
"""

from __future__ import annotations

from bootstrap.blocks.mysql import checks as verify
from bootstrap.blocks.mysql import deploy as drbd
from bootstrap.checks import Check, is_active, is_enabled
from bootstrap.facts.mysql import METADATA
from bootstrap.managed import ManagedFile, Manifest, Unit, place_of
from bootstrap.operations import mysql as operations
from bootstrap.render import render
from bootstrap.shared import pairs
from bootstrap.shared.systemd import CHECK_DROP_IN
from bootstrap.site import Site, ensure_active
from stacks.capacity import PHP_PROCESSES
from stacks.plan_gtid_types import SEMISYNC_MS, GtidPlan
from stacks.plan_types import DeployPlan, NodePlan

NAME = drbd.NAME
FIRST_DATA = f"{pairs.SCRIPTS}/mysql-first-data"
STOP = f"{pairs.SCRIPTS}/mysql-stop"
HOOK = f"{pairs.FIRST_DATA_HOOKS}/mysql"


def files(node: NodePlan, plan: DeployPlan) -> tuple[ManagedFile, ...]:
    """Every file of the block, in the order in which they are written."""
    gtid = _own(node)
    mysql = gtid.mysql
    secrets = (*(account.secret for account in gtid.accounts), mysql.password)
    each, metadata_sql = _connections_of_a_client(gtid), _metadata(gtid, plan)

    def text(template: str) -> str:
        return drbd.rendered(
            template,
            node,
            plan,
            mysql,
            each=each,
            metadata_sql=metadata_sql,
            metadata_schema=METADATA,
            gtid=gtid,
            places={name: place_of(name) for name in secrets},
            hook=HOOK,
            semisync_ms=SEMISYNC_MS,
            first_data=FIRST_DATA,
            stop=STOP,
        )

    return (
        ManagedFile(path=HOOK, content=text("first-data"), mode=0o755, check="sh -n %s"),
        ManagedFile(path=FIRST_DATA, content=text("gtid-first-data"), mode=0o755, check="sh -n %s"),
        ManagedFile(path=STOP, content=text("gtid-stop"), mode=0o755, check="sh -n %s"),
        ManagedFile(path=drbd.FIRST_SQL, content=text("first.sql"), mode=0o600, secrets=secrets),
        drbd.pem(drbd.CERTIFICATE, mysql.certificate, plan),
        drbd.pem(drbd.KEY, mysql.key, plan, private=True),
        ManagedFile(path=drbd.APPARMOR, content=text("apparmor")),
        ManagedFile(
            path=f"/etc/systemd/system/{drbd.UNIT}.d/pairwise.conf",
            content=text("gtid-unit.d.conf"),
            check=CHECK_DROP_IN,
        ),
        ManagedFile(path=drbd.CONFIG, content=text("pairwise.cnf"), check=verify.CHECK_SETTINGS),
    )


def manifest(node: NodePlan, plan: DeployPlan) -> Manifest:
    """All that the block owns on a node."""
    gtid = _own(node)
    return Manifest(
        block=NAME,
        packages=("mysql-server", "mysql-client"),
        files=files(node, plan),
        units=(Unit(name=drbd.UNIT),),
        mysql_accounts=(gtid.mysql.account,),
    )


def activate(site: Site) -> None:
    """The unit; then what Router and the application need, where the server is the source."""
    ensure_active(site)
    gtid = _own(site.node)
    if gtid.metadata is not None:
        operations.metadata(
            name=site.named("metadata for Router"),
            places=gtid.metadata.places,
            statements=_metadata(gtid, site.plan),
            seen=site.seen,
        )
    drbd.ensure_database(site, gtid.mysql, reads=(METADATA,) if gtid.metadata is not None else ())


def _metadata(gtid: GtidPlan, plan: DeployPlan) -> str:
    """What Router reads in the servers, as SQL; empty where the splitters are none."""
    if gtid.metadata is None:
        return ""
    return render(
        "blocks/mysql/templates/metadata.sql.j2",
        stack=plan.stack,
        metadata=gtid.metadata,
        schema=METADATA,
        cluster=pairs.ROUTER_CLUSTER,
    )


def _connections_of_a_client(gtid: GtidPlan) -> int:
    """One for writes and one for reads, which go to the same server while the other one is away;
    Router keeps as many for the next session, and has one of its own."""
    if gtid.split is None:
        return PHP_PROCESSES
    return 2 * PHP_PROCESSES if gtid.metadata is None else 4 * PHP_PROCESSES + 2


def checks(node: NodePlan, plan: DeployPlan) -> tuple[Check, ...]:
    """What ``pairwise verify`` tries."""
    gtid = _own(node)
    return (
        is_active(NAME, drbd.UNIT),
        is_enabled(NAME, drbd.UNIT),
        *verify.gtid_checks(node, gtid, stack=plan.stack, unit=drbd.UNIT),
    )


def _own(node: NodePlan) -> GtidPlan:
    if node.gtid is None:
        raise ValueError(f"Node {node.name} has no replication in its plan.")
    return node.gtid
