"""MySQL servers of tiers, several on a machine: one template unit, an instance for each.

Needs: node.instances; the secrets that the plan names: each server's password, the certificate of
    the tier's servers and its key.
Ensures: a data directory, a port, a socket, a server_id and accounts for each; TLS; units that
    start at boot and come back; the package's own server masked. The replica of a read tier begins
    empty and read-only: block read_replica has it copy its source and follow it.
Restart: a server when its own settings change, and no other one.
Pair order: none, it is a tier.
Verify: units; each server answers as itself. Checkers: mysqld --validate-config, systemd-analyze,
    sh -n.
Fails when: a server's first data are cut short: they are made anew, they were never served.
Refs: document 004, systemd.unit(5) on instances, the reference manual of MySQL 9.7.

Kept from document 004: several servers on a machine, a port and a data directory for each.

Replaced knowingly: mysqld_multi -> template units: each has its own log, limits and restarts.
Account admin with password admin from anywhere -> ``site`` with a generated password, from the
description's networks, by TLS, for one database.
"""

from __future__ import annotations

from bootstrap.blocks.mysql import deploy as mysql
from bootstrap.blocks.mysql.checks import CHECK_SETTINGS
from bootstrap.checks import Check, is_active, is_enabled
from bootstrap.managed import Boot, ManagedFile, Manifest, Reload, Unit, place_of
from bootstrap.render import render
from bootstrap.shared import pairs
from bootstrap.shared.systemd import check_unit
from stacks.plan_instances import InstancePlan
from stacks.plan_types import DeployPlan, NodePlan

NAME = mysql.NAME
TEMPLATE = "pairwise-mysql@.service"
SETTINGS = "/etc/mysql/pairwise.d"
FIRST_DATA = f"{pairs.SCRIPTS}/mysql-instance-data"
START_S = 600
"""Its first start makes its data, beside others that do the same on one processor."""


def files(node: NodePlan, plan: DeployPlan) -> tuple[ManagedFile, ...]:
    """Every file of the block, in the order in which they are written."""

    def text(template: str, **values: object) -> str:
        return render(
            f"blocks/mysql/templates/{template}.j2",
            stack=plan.stack,
            certificate=mysql.CERTIFICATE,
            key=mysql.KEY,
            settings=SETTINGS,
            first_data=FIRST_DATA,
            sql_folder=mysql.FOLDER,
            source_certificate=pairs.SOURCE_CERTIFICATE,
            **mysql.SIZES,
            **values,
        )

    first = node.instances[0]
    sources = [one.follows.certificate for one in node.instances if one.follows is not None]
    return (
        *(mysql.pem(pairs.SOURCE_CERTIFICATE, source, plan) for source in sources),
        ManagedFile(path=FIRST_DATA, content=text("instance-data"), mode=0o755, check="sh -n %s"),
        mysql.pem(mysql.CERTIFICATE, first.certificate, plan),
        mysql.pem(mysql.KEY, first.key, plan, private=True),
        ManagedFile(
            path=f"/etc/systemd/system/{TEMPLATE}",
            content=text("mysql-instance.service", start_s=START_S),
            check=check_unit(TEMPLATE),
        ),
        *(
            file
            for one in node.instances
            for file in (
                ManagedFile(
                    path=f"{mysql.FOLDER}/{one.name}.sql",
                    content=text(
                        "instance.sql",
                        one=one,
                        password=place_of(one.password) if one.password else "",
                    ),
                    mode=0o600,
                    secrets=(one.password,) if one.password else (),
                ),
                ManagedFile(
                    path=settings(one),
                    content=text("instance.cnf", one=one),
                    check=CHECK_SETTINGS,
                ),
            )
        ),
    )


def settings(one: InstancePlan) -> str:
    """Path of a server's settings."""
    return f"{SETTINGS}/{one.name}.cnf"


def unit(one: InstancePlan) -> str:
    """A server's unit."""
    return TEMPLATE.replace("@.", f"@{one.name}.")


def manifest(node: NodePlan, plan: DeployPlan) -> Manifest:
    """All that the block owns on a node."""
    return Manifest(
        block=NAME,
        packages=("mysql-server", "mysql-client"),
        files=files(node, plan),
        units=(
            Unit(name=mysql.UNIT, boot=Boot.MASKED),
            *(
                Unit(name=unit(one), reload=Reload.RESTART, files=(settings(one),))
                for one in node.instances
            ),
        ),
    )


def checks(node: NodePlan, plan: DeployPlan) -> tuple[Check, ...]:
    """What ``pairwise verify`` tries."""
    answers = [
        Check(
            name=f"mysql: {one.name} answers as itself",
            command="mysql --no-defaults --connect-timeout=20 -N -uroot"
            f" -S {one.socket} -e 'SELECT @@port, @@server_id'",
            expect=f"{one.port}\t{one.server_id}",
            failure=f"MySQL server {one.name} of {node.name} does not answer, or as another one:"
            f" `pairwise exec {plan.stack} {node.name} -- journalctl -u {unit(one)}` says why.",
        )
        for one in node.instances
    ]
    units = [check(NAME, unit(one)) for one in node.instances for check in (is_active, is_enabled)]
    return (*units, *answers)
