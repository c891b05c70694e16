"""The web machine's checkers, and what ``pairwise verify`` tries on it.

Checkers: php-fpm.conf by ``php-fpm8.4 -tt``, the application by ``php -l``, nginx.conf by
``nginx -t -c``, sites by ``nginx -t`` inside a main file of their own, drop-ins by
``systemd-analyze verify``; nginx's are declared with the files in ``bootstrap.shared``. The start
page, the probe and sysctl.d have none.
"""

from __future__ import annotations

import shlex

from bootstrap.checks import Check, is_active, is_enabled, kernel_uses, runs_installed_binary
from bootstrap.shared import nginx
from stacks.plan_types import NodePlan
from stacks.plan_web_types import WebPlan

CHECK_FPM = 'out=$(/usr/sbin/php-fpm8.4 -tt -y %s 2>&1) || { echo "$out"; exit 1; }'
CHECK_PHP = 'out=$(/usr/bin/php8.4 -n -d display_errors=1 -l %s 2>&1) || { echo "$out"; exit 1; }'


TRIES = 16
"""Each worker of nginx asks both nodes' PHP in turn, and others ask meanwhile."""


def checks(
    node: NodePlan,
    web: WebPlan,
    *,
    deploy: str,
    address: str,
    unit: str,
    app: tuple[str, ...],
    digest: str,
) -> tuple[Check, ...]:
    """Processes, ports, pages and the application of one web machine."""
    url = f"http://{web.listen_address}:{web.listen_port}"
    database = [
        Check(
            name=f"php_web: the rows in MySQL at {found.address} can be read",
            # The page asks to be tried again (503) where the database is late by some seconds: all
            # nodes verify at once, which on one host is a load.
            command=f"curl -fsS --max-time 20 --retry 3 --retry-delay 3 {url}/app/rows",
            failure=f"{node.name} cannot read the rows at {found.address}: journalctl -u {unit}"
            f" says why; `pairwise status` shows who holds the database.",
        )
        for found in (web.database,)
        if found is not None
    ]
    health = f"curl -fsS --max-time 10 {url}/app/health"
    named = f'"node":"{node.name}"'
    hashed = f"find {' '.join(app)} -type f | LC_ALL=C sort | xargs cat | sha256sum"
    return (
        *nginx.checks(
            "php_web", address=address, port=web.listen_port, status_port=nginx.STATUS_PORT
        ),
        nginx.check_open_files("php_web", web.limits),
        kernel_uses("php_web", web.limits.sysctls()),
        is_active("php_web", unit),
        is_enabled("php_web", unit),
        runs_installed_binary("php_web", unit=unit, binary="/usr/sbin/php-fpm8.4"),
        Check(
            name="php_web: the page names its node",
            command=f"curl -fsS --max-time 10 {url}/",
            expect=node.name,
            failure=f"{node.name} of {deploy} does not serve its page at {url}/.",
        ),
        Check(
            name="php_web: PHP names its node",
            command=_until_named(health, named) if web.php_servers else health,
            expect=named,
            failure=f"PHP of {node.name} gives no answer at {url}/app/: journalctl -u {unit}.",
        ),
        *database,
        Check(
            name=f"php_web: the application is {digest[:12]} on every web machine",
            command=hashed,
            expect=digest,
            failure=f"The application on {node.name} is not the planned one: `pairwise up`; a file "
            f"in {' or '.join(app)} that no plan knows has to be removed by hand.",
        ),
    )


def _until_named(ask: str, words: str) -> str:
    """Shell text that asks until an answer has these words, and prints what was answered."""
    found = f'echo "$answer" | grep -qF {shlex.quote(words)} && break'
    return f'for n in $(seq {TRIES}); do answer=$({ask}); {found}; done; echo "$answer"'
