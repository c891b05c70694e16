"""nginx and php-fpm serve the site on one web machine: files by nginx, ``/app/`` by PHP.

Needs: node.web; base and memcached before it; where rows or uploads go to a data pair: its
    password and certificate, and block nfs_client, which mounts its share.
Ensures: nginx, php-fpm and PHP's memcached and MySQL modules; nginx.conf, the site and the status
    server; php-fpm's one pool, on a unix socket or, in a pair that serves pages at VIPs of its own
    (document 003), at port 9000 of the sessions' network, where the nginx of both nodes asks it;
    the sample application, the same files on every web machine, and where it keeps rows and
    uploads; a start page that names its node; Debian's default site absent; one restart of a dead
    nginx.
Restart: never; nginx and php-fpm take up their files by a reload, which lets requests end. PHP
    sees changed code by itself within two seconds (opcache.revalidate_freq).
Order: one machine after the other, so that the tier never reloads at once.
Verify: processes, ports, the page with its node's name, the application's hash, nginx -t, the
    effective number of open files. Checkers: checks.py.
Fails when: nginx, php-fpm or php refuses a file; the old one stays, and the error shows why.
Refs: https://nginx.org/en/docs/http/ngx_http_realip_module.html,
    https://www.php.net/manual/en/install.fpm.configuration.php, document 000.

Sessions: a save handler in the application (app/copies.php) writes each session, with a number that
grows, to every memcached and reads the copy with the highest number; a copy that is missing or
older is mended at once. A server that fails is left alone for 5 s by all processes of the machine
(a file in /run says so); then one request tries again. Connecting and waiting for an answer have
0.4 s each, so a dead machine costs one request in five seconds at most 0.8 s. php-memcached's own
handler with replicas does not do: its failures are remembered per process and not per machine, and
it has no number that says which of two copies is the newer. An idle session that
nobody uses between the loss of one machine, its return and the loss of the other is gone: its copy
is made again when it is used.

Rows go to MySQL at the pair's VIP or, on 127.0.0.1, to a splitter's port for writes, and are read
at its port for reads; by TLS with the one certificate that is pinned, which has both among its
names. Whoever gives `/app/rows` the `after` that came with a row reads that row:
WAIT_FOR_EXECUTED_GTID_SET on the replica, for a second, else the source is asked. Nothing is sent
twice: a write whose answer is lost gets 503, and may be there or not. A server that fails is left
alone for 2 s by all processes, so that one request in a while pays for finding out (at most 2 x 2
s). A changed password is read within two seconds.

Uploads on the share: written, flushed to the pair's disks (fsync), renamed to their hash, then a
row in the database. Nothing there is ever removed. The mount is hard, and who touches a share that
is away hangs: a helper does it, killed after 6 s, and half of PHP's processes may wait for one at
once. So pages go on, and the balancer sees an answer (503) before it takes the machine for dead.

Uploads: max_body_mib is the size of the file; the form around it may take UPLOAD_FORM_KIB more, in
nginx here, on the balancer and in PHP's post_max_size alike. upload_max_filesize is the file's.

Kept from document 000: images 30 d, js and css 1 h, the shared values of nginx.conf, php as
FastCGI. Replaced: X-Forwarded-For from anybody -> from the balancers only; PHP on 127.0.0.1:9000 ->
a unix socket that only nginx may open; root /data/www -> /var/www/pairwise (Debian keeps served
files under /var/www); header buffer 32k -> 4k (requests come from balancers, larger ones have
large_client_header_buffers).
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from bootstrap.blocks.php_web import checks as verify
from bootstrap.checks import Check
from bootstrap.managed import ManagedFile, Manifest, Reload, Unit, listening, place_of
from bootstrap.render import render
from bootstrap.shared import nginx, pairs
from bootstrap.shared.systemd import CHECK_DROP_IN
from stacks.capacity import PHP_PROCESSES
from stacks.plan_types import DeployPlan, NodePlan
from stacks.plan_web_types import WebPlan

NAME = "php_web"
SITE = "pairwise-web.conf"
ROOT = "/var/www/pairwise"
APP = "/var/www/pairwise-app"
"""Outside of the folder that nginx serves: no file of it can be fetched as text."""
SOCKET = "/run/php/pairwise.sock"
FPM_UNIT = "php8.4-fpm.service"
FPM_CONFIG = "/etc/php/8.4/fpm/php-fpm.conf"
FPM_DROP_IN = f"/etc/systemd/system/{FPM_UNIT}.d/pairwise.conf"
SYSCTL_FILE = "/etc/sysctl.d/60-pairwise-web.conf"
RUN_FOLDER = "/run/pairwise-app"
DATA_FOLDER = "/var/lib/pairwise-app"
PACKAGES = ("nginx", "curl", "php8.4-fpm", "php8.4-mysql", "php-memcached")
"""php8.4-mysql brings PDO for the rows of the data pair."""
HEADER_KIB = 4
"""Memory of a connection whose request is read, see ``stacks.capacity``."""
SETTINGS = "/etc/pairwise/app.php"
"""Read by the application's store.php."""
SOURCE = Path(__file__).parent / "app"


@cache
def app_files() -> tuple[ManagedFile, ...]:
    """The application, the same on every web machine; the page's parts before the page."""
    paths = sorted(SOURCE.glob("*.php"), key=lambda path: (path.name == "index.php", path.name))
    code = [
        ManagedFile(
            path=f"{APP}/{path.name}",
            content=path.read_text(encoding="utf-8"),
            check=verify.CHECK_PHP,
        )
        for path in paths
    ]
    probe = SOURCE / "static" / "probe.txt"
    text = probe.read_text(encoding="utf-8")
    return (*code, ManagedFile(path=f"{ROOT}/static/{probe.name}", content=text))


@cache
def app_hash() -> str:
    """SHA-256 over the application's files in the order of their paths."""
    ordered = sorted(app_files(), key=lambda file: file.path)
    return hashlib.sha256("".join(file.content for file in ordered).encode()).hexdigest()


def files(node: NodePlan, plan: DeployPlan) -> tuple[ManagedFile, ...]:
    """Every file of the block, in the order in which they are written."""
    web = _web(node)
    values = {
        "stack": plan.stack,
        "node": node,
        "web": web,
        "listen": listen(node),
        "root": ROOT,
        "app": APP,
        "socket": SOCKET,
        "place": _place(node),
        "clients": ",".join(str(server.address) for server in web.php_servers),
        "body_kib": nginx.body_kib(web.max_body_mib),
        "answer_s": nginx.ANSWER_S,
        "backlog": PHP_PROCESSES * 128,
        "processes": PHP_PROCESSES,
        "sessions": " ".join(f"{s.address}:{s.port}" for s in web.session_servers),
        "password": place_of(web.database.password) if web.database else "",
        "certificate": pairs.MYSQL_CERTIFICATE,
        "run_folder": RUN_FOLDER,
        "data_folder": DATA_FOLDER,
    }

    def text(template: str) -> str:
        return render(f"blocks/php_web/templates/{template}.j2", **values)

    sysctls = render(
        "shared/templates/sysctl.conf.j2", stack=plan.stack, values=web.limits.sysctls()
    )
    return (
        ManagedFile(path=SYSCTL_FILE, content=sysctls),
        nginx.drop_in(stack=plan.stack),
        ManagedFile(path=FPM_DROP_IN, content=text("php-fpm.service.d.conf"), check=CHECK_DROP_IN),
        ManagedFile(path=FPM_CONFIG, content=text("php-fpm.conf"), check=verify.CHECK_FPM),
        *_certificate(plan, web),
        ManagedFile(
            path=SETTINGS,
            content=text("app.php"),
            mode=0o640,
            group="www-data",
            check=verify.CHECK_PHP,
            secrets=(web.database.password,) if web.database else (),
        ),
        *app_files(),
        ManagedFile(path=f"{ROOT}/index.html", content=text("index.html")),
        nginx.site_file(SITE, text("pairwise-web.conf")),
        nginx.status_file(stack=plan.stack),
        nginx.main_file(stack=plan.stack, limits=web.limits, header_kib=HEADER_KIB),
    )


def _certificate(plan: DeployPlan, web: WebPlan) -> tuple[ManagedFile, ...]:
    """The one that MySQL's is compared with; text after it is none of a reader's business."""
    if web.database is None:
        return ()
    mark = f"# Managed by pairwise (stacks/{plan.stack}); local edits are lost."
    name = web.database.certificate
    content = f"{place_of(name)}\n{mark}\n"
    return (ManagedFile(path=pairs.MYSQL_CERTIFICATE, content=content, secrets=(name,)),)


def listen(node: NodePlan) -> str:
    """Where it listens: behind balancers at its own address; with VIPs of its own, and as a real
    server, at every one, because nginx cannot bind to an address that is not there."""
    web = _web(node)
    everywhere = node.keepalived is not None or node.real_server is not None
    return f"{'0.0.0.0' if everywhere else web.listen_address}:{web.listen_port}"


def manifest(node: NodePlan, plan: DeployPlan) -> Manifest:
    """All that the block owns on a node."""
    managed, place = files(node, plan), _place(node)
    return Manifest(
        block=NAME,
        packages=PACKAGES,
        files=managed,
        links=nginx.links(managed),
        absent=(nginx.DEFAULT_SITE, *(() if _web(node).database else (pairs.MYSQL_CERTIFICATE,))),
        sysctls=_web(node).limits.sysctls(),
        units=(
            # Before nginx: the first page finds PHP.
            Unit(
                name=FPM_UNIT,
                reload=Reload.RELOAD,
                files=(FPM_CONFIG,),
                ready=listening(place) if place else f"test -S {SOCKET}",
            ),
            nginx.unit(managed),
        ),
    )


def checks(node: NodePlan, plan: DeployPlan) -> tuple[Check, ...]:
    """What ``pairwise verify`` tries."""
    address = listen(node).partition(":")[0]
    return verify.checks(
        node,
        _web(node),
        deploy=plan.deploy,
        address=address,
        unit=FPM_UNIT,
        app=(APP, f"{ROOT}/static"),
        digest=app_hash(),
    )


def _place(node: NodePlan) -> str:
    """Where PHP listens for both nodes of a pair; empty: at a socket for its own nginx."""
    own = [server for server in _web(node).php_servers if server.node == node.name]
    return f"{own[0].address}:{own[0].port}" if own else ""


def _web(node: NodePlan) -> WebPlan:
    if node.web is None:
        raise ValueError(f"Node {node.name} has role web and no web server in its plan.")
    return node.web
