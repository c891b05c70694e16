"""keepalived's templates with their checkers, and what ``pairwise verify`` tries."""

from __future__ import annotations

from bootstrap.checks import Check, is_active, is_enabled, runs_installed_binary
from bootstrap.shared import pairs
from stacks.model import Role
from stacks.plan_types import NodePlan
from stacks.plan_vrrp_types import KeepalivedPlan

UNIT = "keepalived.service"

CHECK_KEEPALIVED = (
    # Exits 0 with warnings on its standard error where it repairs what it reads: that is refused
    # too. It logs to the journal as well unless told not to.
    "out=$(/usr/sbin/keepalived --config-test --no-syslog --use-file %s 2>&1); code=$?; "
    'test $code -eq 0 || { echo "$out"; exit 1; }'
)


def checks(
    node: NodePlan, keepalived: KeepalivedPlan, *, deploy: str, config: str, state_folder: str
) -> tuple[Check, ...]:
    """What holds on a node that takes part in VRRP."""
    states = [f"{state_folder}/{instance.name}.state" for instance in keepalived.instances]
    held = "grep -q '\"may_hold\": true'"
    stands_by = f" || ! {held} {pairs.GTID}" if node.gtid is not None else ""
    return (
        is_active("keepalived", UNIT),
        is_enabled("keepalived", UNIT),
        runs_installed_binary("keepalived", unit=UNIT, binary="/usr/sbin/keepalived"),
        Check(
            name="keepalived: it accepts its configuration",
            command=CHECK_KEEPALIVED.replace("%s", config),
            failure=f"keepalived -t refuses {config}: `pairwise up` writes it anew.",
        ),
        *_answers(node, keepalived),
        *(
            Check(
                name=f"keepalived: {state.rpartition('/')[2].removesuffix('.state')} is no fault",
                command=f"grep -Eqx 'MASTER|BACKUP' {state}{stands_by}",
                failure=f"{state} of {deploy} holds no MASTER or BACKUP: journalctl -u {UNIT}.",
            )
            for state in states
        ),
    )


def by_http(node: NodePlan) -> bool:
    """Whether nginx serves on the node, and is a condition for its VIPs."""
    return bool({Role.LB, Role.WEB} & set(node.roles))


def _answers(node: NodePlan, keepalived: KeepalivedPlan) -> tuple[Check, ...]:
    if not by_http(node):
        return ()
    return (
        Check(
            name="keepalived: its health check succeeds",
            command=f"curl -fsS -o /dev/null --max-time 5 {keepalived.check_url}",
            failure=f"{node.name} gives no answer at {keepalived.check_url}: its VIPs are away.",
        ),
    )
