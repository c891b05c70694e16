"""What ``pairwise verify`` tries on a balancer.

Checkers: nginx.conf by ``nginx -t -c``, sites by ``nginx -t`` inside a main file of their own, the
drop-in by ``systemd-analyze verify``; they are declared with the files in ``bootstrap.shared``.
"""

from __future__ import annotations

from bootstrap.checks import Check, kernel_uses
from bootstrap.shared import nginx
from stacks.plan_types import NodePlan
from stacks.plan_web_types import BalancerPlan


def checks(node: NodePlan, balancer: BalancerPlan, *, deploy: str) -> tuple[Check, ...]:
    """Process, ports and answers of one balancer."""
    url = f"http://127.0.0.1:{balancer.listen_port}/"
    return (
        *nginx.checks(
            "nginx_lb",
            address="0.0.0.0",
            port=balancer.listen_port,
            status_port=balancer.status_port,
        ),
        nginx.check_open_files("nginx_lb", balancer.limits),
        kernel_uses("nginx_lb", balancer.limits.sysctls()),
        Check(
            name="nginx_lb: the site answers through an upstream",
            command=f"curl -fsS -o /dev/null --max-time 10 -H 'Host: {balancer.server_name}' {url}",
            failure=(
                f"{node.name} of {deploy} gets no page from"
                f" {', '.join(upstream.node for upstream in balancer.upstreams)}:"
                " look at nginx there and at the network between."
            ),
        ),
    )
