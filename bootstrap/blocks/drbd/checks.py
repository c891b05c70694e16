"""What ``pairwise verify`` tries of DRBD."""

from __future__ import annotations

from collections.abc import Sequence

from bootstrap.checks import Check
from stacks.plan_types import DeployPlan, NodePlan


def checks(node: NodePlan, plan: DeployPlan, *, handlers: Sequence[str]) -> tuple[Check, ...]:
    """Roles and disk states of each resource, and handlers that exist and run."""
    assert node.data is not None
    found = []
    for resource in node.data.drbd.resources:
        name = resource.name
        found.append(
            Check(
                name=f"drbd: {name} is connected and both copies are up to date",
                command=f'case "$(drbdadm cstate {name}) $(drbdadm dstate {name})" in'
                ' "Connected UpToDate/UpToDate" | Verify[ST]" UpToDate/UpToDate") ;;'
                " *) false ;; esac",
                failure=f"{name} of {node.name} is not in sync: `pairwise status {plan.stack}` says"
                " what it is, and cat /proc/drbd on the node.",
            )
        )
        found.append(
            Check(
                name=f"drbd: {name} has its backing disk by identity and of the planned size",
                command=f"test $(($(blockdev --getsize64 $(drbdadm sh-ll-dev {name})) >> 20))"
                f" -eq {resource.size_mib}",
                failure=f"The backing disk of {name} on {node.name} is missing or of another size.",
            )
        )
        side = next(side for side in resource.sides if side.node == node.name)
        if resource.metadata_mib:
            found.append(
                Check(
                    name=f"drbd: {name} has its metadata on their own disk",
                    command=f"test $(($(blockdev --getsize64 $(drbdadm sh-md-dev {name})) >> 20))"
                    f" -eq {resource.metadata_mib} -a $(drbdadm sh-md-dev {name}) ="
                    f" {side.meta_disk}",
                    failure=f"The metadata of {name} on {node.name} are not on {side.meta_disk}.",
                )
            )
    found += [
        Check(
            name=f"drbd: handler {path} exists and runs",
            command=f"test -x {path} && bash -n {path}",
            failure=f"{path} is missing on {node.name}: `pairwise up {plan.stack}` writes it.",
        )
        for path in handlers
    ]
    return tuple(found)
