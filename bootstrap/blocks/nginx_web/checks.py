"""What ``pairwise verify`` tries on a web machine.

Checkers: nginx.conf by ``nginx -t -c``, sites by ``nginx -t`` inside a main file of their own, the
drop-in by ``systemd-analyze verify``; they are declared with the files in ``bootstrap.shared``.
The start page has no checker.
"""

from __future__ import annotations

from bootstrap.checks import Check
from bootstrap.shared import nginx
from stacks.plan_types import NodePlan, WebPlan


def checks(node: NodePlan, web: WebPlan, *, deploy: str, address: str) -> tuple[Check, ...]:
    """Process, ports and the page of one web machine."""
    url = f"http://{web.listen_address}:{web.listen_port}/"
    return (
        *nginx.checks(
            "nginx_web", address=address, port=web.listen_port, status_port=nginx.STATUS_PORT
        ),
        Check(
            name="nginx_web: the page names its node",
            command=f"curl -fsS --max-time 10 {url}",
            expect=node.name,
            failure=f"{node.name} of {deploy} does not serve its page at {url}.",
        ),
    )
