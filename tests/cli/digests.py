"""What ``pulumi preview --json`` writes, in small: recorded from the engine and cut down."""

from __future__ import annotations

import json
from typing import Any

BASE = "urn:pulumi:six::pairwise::"
DIFF = [
    "--- /etc/keepalived/keepalived.conf (lb1)",
    "+++ /etc/keepalived/keepalived.conf",
    "@@ -21,7 +21,7 @@",
    "     virtual_router_id 51",
    "-    advert_int 1",
    "+    advert_int 1.2",
    "     priority 101",
]
ADDED = [
    "--- /etc/nginx/sites-available/pairwise-balancer.conf (lb1)",
    "+++ /etc/nginx/sites-available/pairwise-balancer.conf",
    "@@ -8,3 +8,4 @@",
    "     server 10.71.1.22:80 max_fails=1 fail_timeout=10s;",
    "+    server 10.71.1.23:80 max_fails=1 fail_timeout=10s;",
]
HOSTS = ["--- /etc/hosts (web2)", "+++ /etc/hosts", "@@ -9 +9,0 @@", "-# by hand"]


def step(
    op: str,
    kind: str,
    name: str,
    *,
    old: dict[str, Any] | None = None,
    new: dict[str, Any] | None = None,
    keys: tuple[str, ...] = (),
) -> dict[str, Any]:
    """One step of the engine."""
    found: dict[str, Any] = {"op": op, "urn": f"{BASE}{kind}::{name}"}
    found["detailedDiff"] = {key: {"kind": "add", "inputDiff": True} for key in keys} or None
    if old is not None:
        found["oldState"] = {"inputs": old}
    if new is not None:
        found["newState"] = {"inputs": new}
    return found


def deploy(name: str, pending: dict[str, dict[str, Any]], *, op: str = "update") -> dict[str, Any]:
    """The step of a Deploy."""
    keys = tuple(f'pending["{host}"]["{o}"]' for host, ops in pending.items() for o in ops)
    kind = "pairwise:index:Pair$pyinfra:index:Deploy"
    return step(op, kind, f"{name}-deploy", old={}, new={"pending": pending}, keys=keys)


def digest(
    *steps: dict[str, Any],
    messages: tuple[str, ...] = (),
    errors: tuple[str, ...] = (),
    stack_op: str = "same",
) -> str:
    """A whole document; the stack itself is refreshed and the same unless another op is given."""
    stack = "pulumi:pulumi:Stack"
    frame = [step("refresh", stack, "pairwise-six"), step(stack_op, stack, "pairwise-six")]
    said = [{"severity": "warning", "message": f"{text}\n"} for text in messages]
    said += [{"severity": "error", "message": f"error: {text}\n\n"} for text in errors]
    said.append({"severity": "debug", "message": "registering resource"})
    content = {"steps": [*frame, *steps], "diagnostics": said, "duration": 3_700_000_000}
    return json.dumps(content)


DOMAIN = "pairwise:index:Tier$pairwise:index:Machine$libvirt:index/domain:Domain"
CONFIG = "keepalived: /etc/keepalived/keepalived.conf"
RELOAD = "keepalived: reload keepalived.service"
BALANCER = "nginx_lb: /etc/nginx/sites-available/pairwise-balancer.conf"
AFTER = "known after apply"
UNREACHABLE = (
    "lb2 is not reachable yet (no route to host): every operation is listed as to be created"
)
WHY = "not reachable yet (no route to host); every operation is to be created"
REFUSED = "1 error occurred:\n\t* failed to connect: dial tcp 192.0.2.10:22: i/o timeout"
"""What the libvirt provider says when its hypervisor does not answer (recorded)."""

NO_ANSWER = (
    "No answer from hypervisor lab at qemu+unix:///system?socket=/nonexistent/libvirt-sock (Cannot "
    "recv data): start libvirtd there, or correct `hypervisors` in the description of six."
)
"""What the command says before it starts the engine."""

CASES: dict[str, str] = {
    "one_number": digest(
        deploy(
            "lb",
            {
                "lb1": {CONFIG: DIFF, RELOAD: f"{CONFIG.split(': ')[1]} changes"},
                "lb2": {CONFIG: DIFF, RELOAD: f"{CONFIG.split(': ')[1]} changes"},
            },
        )
    ),
    "machine_added": digest(
        step("create", DOMAIN, "web-web3-domain", new={"name": "six-web3"}),
        deploy("lb", {"lb1": {BALANCER: ADDED}}),
        deploy("web", {"web3": {"base: package chrony": AFTER, "base: /etc/hosts": AFTER}}),
    ),
    "drift": digest(
        step(
            "update",
            DOMAIN,
            "web-web2-domain",
            old={"running": False, "name": "six-web2"},
            new={"running": True, "name": "six-web2"},
            keys=("running",),
        ),
        deploy("web", {"web2": {"base: /etc/hosts": HOSTS}}),
    ),
    "nothing": digest(deploy("lb", {}, op="same"), step("same", DOMAIN, "web-web2-domain")),
    "unreachable": digest(
        deploy("lb", {"lb2": {"connection": WHY, CONFIG: "to be created"}}),
        messages=(UNREACHABLE,),
    ),
    "ended_early": digest(deploy("lb", {"lb1": {CONFIG: DIFF}}), errors=(REFUSED,)),
    "empty_state": digest(
        step("create", DOMAIN, "web-web1-domain", new={"name": "six-web1"}),
        deploy("web", {"web1": {"every operation": AFTER}}, op="create"),
        stack_op="create",
    ),
    "replaced": digest(
        step(
            "create-replacement",
            DOMAIN,
            "web-web1-domain",
            old={"memory": 768},
            new={"memory": 1024},
            keys=("memory",),
        ),
        step(
            "replace",
            DOMAIN,
            "web-web1-domain",
            old={"memory": 768},
            new={"memory": 1024},
            keys=("memory",),
        ),
        step("delete-replaced", DOMAIN, "web-web1-domain", old={"memory": 768}),
        deploy("web", {"web1": {"every operation": AFTER}}),
    ),
}
"""What the goldens show."""
