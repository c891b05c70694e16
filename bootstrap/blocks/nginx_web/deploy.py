"""nginx serves the site's pages on one web machine.

Needs: node.web; base before it.
Ensures: nginx; nginx.conf, the site and the status server, linked into sites-enabled; a start page
    that names its node; Debian's default site absent; one restart of a dead nginx.
Restart: never; every file is taken up by a reload, which keeps open connections.
Order: one machine after the other, so that the tier never reloads at once.
Verify: processes, ports, the page with its node's name, nginx -t. Checkers: checks.py.
Fails when: nginx refuses a file; the old one stays, and the error shows nginx's sentence.
Refs: https://nginx.org/en/docs/http/ngx_http_realip_module.html, document 000.

Kept from document 000: images 30 d, js and css 1 h, the shared values of nginx.conf. Replaced:
X-Forwarded-For from anybody -> from the balancers only; root /data/www -> /var/www/pairwise
(Debian keeps served files under /var/www); PHP comes with its own block.
"""

from __future__ import annotations

from bootstrap.blocks.nginx_web import checks as verify
from bootstrap.checks import Check
from bootstrap.managed import ManagedFile, Manifest
from bootstrap.render import render
from bootstrap.shared import nginx
from bootstrap.site import Site, ensure_active, ensure_configured, ensure_installed
from stacks.plan_types import DeployPlan, NodePlan, WebPlan

NAME = "nginx_web"
SITE = "pairwise-web.conf"
ROOT = "/var/www/pairwise"

CONNECTIONS = 4096
"""A web machine holds what its balancers open to it, 32 kept ones per worker and the requests
under way; clients never reach it themselves."""


def files(node: NodePlan, plan: DeployPlan) -> tuple[ManagedFile, ...]:
    """Every file of the block, in the order in which they are written."""
    web = _web(node)
    site = render(
        "blocks/nginx_web/templates/pairwise-web.conf.j2",
        stack=plan.stack,
        node=node,
        web=web,
        listen=listen(node),
        root=ROOT,
    )
    page = render("blocks/nginx_web/templates/index.html.j2", stack=plan.stack, node=node)
    return (
        nginx.drop_in(stack=plan.stack),
        ManagedFile(path=f"{ROOT}/index.html", content=page),
        nginx.site_file(SITE, site),
        nginx.status_file(stack=plan.stack),
        nginx.main_file(stack=plan.stack, connections=CONNECTIONS),
    )


def listen(node: NodePlan) -> str:
    """Where it listens: behind balancers at its own address; with VIPs of its own at every one,
    because nginx cannot bind to an address that is on the peer."""
    web = _web(node)
    everywhere = node.keepalived is not None
    return f"{'0.0.0.0' if everywhere else web.listen_address}:{web.listen_port}"


def manifest(node: NodePlan, plan: DeployPlan) -> Manifest:
    """All that the block owns on a node."""
    managed = files(node, plan)
    return Manifest(
        block=NAME,
        packages=("nginx", "curl"),
        files=managed,
        links=nginx.links(managed),
        absent=(nginx.DEFAULT_SITE,),
        units=(nginx.unit(managed),),
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
    web = _web(node)
    address = listen(node).partition(":")[0]
    return verify.checks(node, web, deploy=plan.deploy, address=address)


def _web(node: NodePlan) -> WebPlan:
    if node.web is None:
        raise ValueError(f"Node {node.name} has role web and no web server in its plan.")
    return node.web
