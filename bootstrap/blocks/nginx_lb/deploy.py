"""nginx balances the site over the web tier, on both nodes of a pair.

Needs: node.balancer; base before it (firewall, kernel values).
Ensures: nginx; nginx.conf, the balanced site and the status server, linked into sites-enabled;
    Debian's default site absent; one restart of a dead nginx; backlog for SYN bursts.
Restart: never; every file is taken up by a reload, which keeps open connections.
Pair order: backup first.
Verify: processes, ports, the health answer, nginx -t. Checkers: checks.py.
Fails when: nginx refuses a file; the old one stays, and the error shows nginx's sentence.
Refs: https://nginx.org/en/docs/http/ngx_http_proxy_module.html, document 000.

Kept from document 000: epoll, server_names_hash_bucket_size, header buffers 32k, body limit (from
the plan, 8 MB), sendfile, tcp_nopush, tcp_nodelay, keepalive_timeout 60, gzip values, ip_hash,
proxy_redirect off, the three proxy headers, images 30 d, js and css 1 h, access log off,
proxy_next_upstream on error, timeout, invalid_header, 500, 502, 504.

Replaced knowingly: worker_processes 8 -> auto (one per processor). worker_connections and
worker_rlimit_nofile 65535 -> from ``balancer.connections``, as are the backlog, ports and memory of
the kernel: the calculation is the text of ``stacks.capacity``. client_max_body_size 8m -> 8 MiB and
64 KiB, so that a file of 8 MiB passes with the form around it; a larger one gets 413 from the
balancer, in JSON. No limit for an answer (60 s) -> 10 s, then the next web machine. error_log crit
-> warn: a failed upstream must be seen. fastcgi_* -> none: the balancer runs no PHP. location /
that stands twice -> once. Status server on the public port -> 127.0.0.1. No limit for connecting
(60 s) -> 2 s, else a web machine without power holds every client. No answer of its own -> a 503
page with the web tier down.
"""

from __future__ import annotations

from bootstrap.blocks.nginx_lb import checks as verify
from bootstrap.checks import Check
from bootstrap.managed import ManagedFile, Manifest
from bootstrap.render import render
from bootstrap.shared import nginx
from stacks.model_web import BalanceMethod
from stacks.plan_types import DeployPlan, NodePlan
from stacks.plan_web_types import BalancerPlan

NAME = "nginx_lb"
SITE = "pairwise-balancer.conf"
SYSCTL_FILE = "/etc/sysctl.d/60-pairwise-balancer.conf"

UPSTREAM_IDLE_S = 30
"""A kept connection is closed here before the web machine does at 60 s (keepalive_timeout of
nginx.conf): a request on one that is just being closed would fail."""

METHODS = {
    BalanceMethod.IP_HASH: "ip_hash",
    BalanceMethod.ROUND_ROBIN: "",
    BalanceMethod.LEAST_CONN: "least_conn",
    BalanceMethod.RANDOM: "random two least_conn",
}
"""nginx's directive for each; round robin is what it does without one."""


def files(node: NodePlan, plan: DeployPlan) -> tuple[ManagedFile, ...]:
    """Every file of the block, in the order in which they are written."""
    balancer = _balancer(node)
    site = render(
        "blocks/nginx_lb/templates/pairwise-balancer.conf.j2",
        stack=plan.stack,
        node=node,
        balancer=balancer,
        method=METHODS[balancer.method],
        body_kib=nginx.body_kib(balancer.max_body_mib),
        answer_s=nginx.ANSWER_S,
        upstream_idle_s=UPSTREAM_IDLE_S,
    )
    values = balancer.limits.sysctls()
    sysctls = render("shared/templates/sysctl.conf.j2", stack=plan.stack, values=values)
    return (
        ManagedFile(path=SYSCTL_FILE, content=sysctls),
        nginx.drop_in(stack=plan.stack),
        nginx.site_file(SITE, site),
        nginx.status_file(stack=plan.stack, port=balancer.status_port),
        nginx.main_file(stack=plan.stack, limits=balancer.limits),
    )


def manifest(node: NodePlan, plan: DeployPlan) -> Manifest:
    """All that the block owns on a node."""
    managed = files(node, plan)
    return Manifest(
        block=NAME,
        packages=("nginx", "curl"),
        files=managed,
        links=nginx.links(managed),
        absent=(nginx.DEFAULT_SITE,),
        sysctls=_balancer(node).limits.sysctls(),
        units=(nginx.unit(managed, port=_balancer(node).status_port),),
    )


def checks(node: NodePlan, plan: DeployPlan) -> tuple[Check, ...]:
    """What ``pairwise verify`` tries."""
    return verify.checks(node, _balancer(node), deploy=plan.deploy)


def _balancer(node: NodePlan) -> BalancerPlan:
    if node.balancer is None:
        raise ValueError(f"Node {node.name} has role lb and no balancer in its plan.")
    return node.balancer
