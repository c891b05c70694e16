"""nginx itself, for the balancer's block and the web block: main file, status server, unit.

The status server answers ``/healthz`` from nginx alone, whatever its upstream does, and counts
connections; it listens on 127.0.0.1 only (document 000 has it on the public address).
"""

from __future__ import annotations

from bootstrap.checks import Check, is_active, is_enabled, listens, runs_installed_binary
from bootstrap.managed import Link, ManagedFile, Reload, Unit
from bootstrap.render import render
from bootstrap.shared.systemd import CHECK_DROP_IN
from stacks.capacity import Limits

MAIN = "/etc/nginx/nginx.conf"
SITES = "/etc/nginx/sites-available"
ENABLED = "/etc/nginx/sites-enabled"
DEFAULT_SITE = f"{ENABLED}/default"
"""Debian's welcome page: it would answer on port 80."""
UNIT = "nginx.service"
DROP_IN = f"/etc/systemd/system/{UNIT}.d/pairwise.conf"
STATUS_ADDRESS = "127.0.0.1"
STATUS_PORT = 8080
"""As ``stacks.addressing.STATUS_PORT``; a balancer's plan carries it, a web machine's does not."""
HEALTH_PATH = "/healthz"
"""As ``stacks.addressing.HEALTH_PATH``."""

UPLOAD_FORM_KIB = 64
"""What a form takes around the file in it: boundaries, names, further fields."""
ANSWER_S = 10
"""Seconds for a web machine's answer. One that loses its power under a request says nothing; the
balancer then asks another one (document 000: nginx's 60 s, in which clients give up)."""

CHECK_MAIN = "/usr/sbin/nginx -t -q -c %s"
CHECK_SITE = (
    # A site is judged inside a main file of its own; the others are not in the way.
    "printf 'events { } http { include /etc/nginx/mime.types; include %s; }' "
    ">/run/pairwise-nginx.conf && /usr/sbin/nginx -t -q -c /run/pairwise-nginx.conf; "
    "code=$?; rm -f /run/pairwise-nginx.conf; exit $code"
)


def body_kib(max_body_mib: int) -> int:
    """Size of a request body that holds a file of so many MiB."""
    return max_body_mib * 1024 + UPLOAD_FORM_KIB


def main_file(*, stack: str, limits: Limits, header_kib: int = 32) -> ManagedFile:
    """The main configuration file.

    Args:
        stack: name in the header. limits: of the machine, see ``stacks.capacity``.
        header_kib: buffer of each request that is read; 32 in document 000.
    """
    return ManagedFile(
        path=MAIN,
        content=render(
            "shared/templates/nginx.conf.j2",
            stack=stack,
            limits=limits,
            header_kib=header_kib,
            enabled=ENABLED,
        ),
        check=CHECK_MAIN,
    )


def site_file(name: str, content: str) -> ManagedFile:
    """A site's file."""
    return ManagedFile(path=f"{SITES}/{name}", content=content, check=CHECK_SITE)


def status_file(*, stack: str, port: int = STATUS_PORT) -> ManagedFile:
    """The status server's site."""
    content = render(
        "shared/templates/pairwise-status.conf.j2",
        stack=stack,
        address=STATUS_ADDRESS,
        port=port,
        health_path=HEALTH_PATH,
    )
    return site_file("pairwise-status.conf", content)


def drop_in(*, stack: str) -> ManagedFile:
    """What systemd does when nginx dies: start it again once, then leave it to keepalived."""
    return ManagedFile(
        path=DROP_IN,
        content=render("shared/templates/nginx.service.d.conf.j2", stack=stack),
        check=CHECK_DROP_IN,
    )


def links(files: tuple[ManagedFile, ...]) -> tuple[Link, ...]:
    """sites-enabled -> sites-available, as Debian has it."""
    names = [file.path.rpartition("/")[2] for file in files if file.path.startswith(SITES)]
    return tuple(Link(path=f"{ENABLED}/{name}", target=f"{SITES}/{name}") for name in names)


def unit(files: tuple[ManagedFile, ...], *, port: int = STATUS_PORT) -> Unit:
    """nginx: reloaded, never restarted; ready when it answers its own health path."""
    read = tuple(file.path for file in files if file.path.startswith("/etc/nginx/"))
    read += tuple(link.path for link in links(files))
    url = f"http://{STATUS_ADDRESS}:{port}{HEALTH_PATH}"
    return Unit(
        name=UNIT,
        reload=Reload.RELOAD,
        files=read,
        ready=f"curl -fsS -o /dev/null --max-time 5 {url}",
    )


def check_open_files(block: str, limits: Limits) -> Check:
    """The workers that run have the planned number of files."""
    worker = f"$(pgrep -P $(systemctl show -p MainPID --value {UNIT}) | head -n 1)"
    return Check(
        name=f"{block}: nginx may open {limits.open_files} files",
        command=f"grep 'Max open files' /proc/{worker}/limits",
        expect=str(limits.open_files),
        failure=f"nginx's workers may open fewer than {limits.open_files} files: systemctl reload"
        " nginx; a worker from before the change ends with its last connection.",
    )


def checks(block: str, *, address: str, port: int, status_port: int) -> tuple[Check, ...]:
    """What holds wherever nginx serves."""
    url = f"http://{STATUS_ADDRESS}:{status_port}{HEALTH_PATH}"
    return (
        is_active(block, UNIT),
        is_enabled(block, UNIT),
        runs_installed_binary(block, unit=UNIT, binary="/usr/sbin/nginx"),
        listens(block, address=address, port=port),
        listens(block, address=STATUS_ADDRESS, port=status_port),
        Check(
            name=f"{block}: nginx answers {HEALTH_PATH}",
            command=f"curl -fsS --max-time 5 {url}",
            expect="ok",
            failure=f"nginx gives no answer at {url}: journalctl -u nginx says why.",
        ),
        Check(
            name=f"{block}: nginx accepts its configuration",
            command="/usr/sbin/nginx -t -q",
            failure="nginx -t refuses the files in /etc/nginx: `pairwise up` writes them anew.",
        ),
    )
