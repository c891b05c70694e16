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
worker_rlimit_nofile 65535 -> from the plan: a proxied connection takes two (client and upstream),
any worker may get all, so 2 x connections and a spare. error_log crit -> warn: a failed upstream
must be seen. fastcgi_* -> none: the balancer runs no PHP. location / that stands twice -> once.
Status server on the public port -> 127.0.0.1. No limit for connecting (60 s) -> 2 s, else a web
machine without power holds every client. No answer of its own -> a 503 page with the web tier
down.
"""

from __future__ import annotations

from bootstrap.blocks.nginx_lb import checks as verify
from bootstrap.checks import Check
from bootstrap.managed import ManagedFile, Manifest
from bootstrap.render import render
from bootstrap.shared import nginx
from bootstrap.site import Site, ensure_active, ensure_configured, ensure_installed
from stacks.model import BalanceMethod
from stacks.plan_types import BalancerPlan, DeployPlan, NodePlan

NAME = "nginx_lb"
SITE = "pairwise-balancer.conf"
SYSCTL_FILE = "/etc/sysctl.d/60-pairwise-balancer.conf"

CONNECTIONS_PER_REQUEST = 2
"""One to the client, one to the upstream."""

SYSCTLS = {
    # Peak of document 000, 9 000 at once: they may all arrive after a take-over.
    "net.core.somaxconn": "8192",
    "net.ipv4.tcp_max_syn_backlog": "8192",
    # Ports towards two upstreams; the default of 28 232 leaves little for TIME_WAIT.
    "net.ipv4.ip_local_port_range": "10240 65535",
}

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
    connections = CONNECTIONS_PER_REQUEST * balancer.connections + nginx.SPARE_CONNECTIONS
    site = render(
        "blocks/nginx_lb/templates/pairwise-balancer.conf.j2",
        stack=plan.stack,
        node=node,
        balancer=balancer,
        method=METHODS[balancer.method],
        backlog=SYSCTLS["net.core.somaxconn"],
    )
    sysctls = render("shared/templates/sysctl.conf.j2", stack=plan.stack, values=SYSCTLS)
    return (
        ManagedFile(path=SYSCTL_FILE, content=sysctls),
        nginx.drop_in(stack=plan.stack),
        nginx.site_file(SITE, site),
        nginx.status_file(stack=plan.stack, port=balancer.status_port),
        nginx.main_file(stack=plan.stack, connections=connections),
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
        sysctls=SYSCTLS,
        units=(nginx.unit(managed, port=_balancer(node).status_port),),
    )


def install(site: Site) -> None:
    """nginx is there and not started."""
    ensure_installed(site)


def configure(site: Site) -> None:
    """Its files are in place, each accepted by nginx -t."""
    ensure_configured(site)


def activate(site: Site) -> None:
    """It runs with them and answers."""
    ensure_active(site)


def checks(node: NodePlan, plan: DeployPlan) -> tuple[Check, ...]:
    """What ``pairwise verify`` tries."""
    return verify.checks(node, _balancer(node), deploy=plan.deploy, sysctls=SYSCTLS)


def _balancer(node: NodePlan) -> BalancerPlan:
    if node.balancer is None:
        raise ValueError(f"Node {node.name} has role lb and no balancer in its plan.")
    return node.balancer
