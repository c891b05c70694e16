"""Two nodes of stack duo for a test: servers, reconcilers, agents, HAProxies, the application."""

from __future__ import annotations

import json
import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

from typing_extensions import override

from bootstrap.blocks.rw_split import deploy, router
from bootstrap.blocks.rw_split_agent import deploy as agent
from bootstrap.blocks.rw_split_agent import program
from bootstrap.shared import pairs
from stacks.plan_gtid_types import SplitPlan
from tests.gtid.two_roots import SERVER, Machine

PASSWORD = "ASecretOfTheTest0123456789"
AGENT = f"PYTHONPATH={agent.PROGRAM} exec python3 -P -B -u -m {program.__name__} {agent.CONFIG}"
ROUTER = (
    f"install -d {router.RUN} {router.STATE} /run/credentials;"
    f" cp {router.PASSWORD} /run/credentials/password;"
    f" while :; do CREDENTIALS_DIRECTORY=/run/credentials sh {router.START}; sleep 1; done"
)
HAPROXY = f"cd / && exec /usr/sbin/haproxy -W -db -f {deploy.CONFIG}"
APP = "/var/www/pairwise-app"


class Node(Machine):
    """A machine with the application, its splitter and its agent."""

    @property
    def split(self) -> SplitPlan:
        assert self.node.split is not None
        return self.node.split

    @property
    def id(self) -> str:
        """Its server_id."""
        return str(self.node.id)

    @override
    def boot(self) -> None:
        super().boot()
        self.sh(
            "install -d -o haproxy -g haproxy /run/haproxy;"
            "install -d -o www-data -g www-data /run/pairwise-app"
        )
        reconciler = self.processes.pop()
        self.begin(AGENT)
        self.begin(HAPROXY)
        if self.split.router is not None:
            self.begin(ROUTER)
        # ``leave`` waits for the last one.
        self.processes.append(reconciler)

    def start_server(self) -> None:
        """After ``stop_server``, whose mark has ended the loop that starts it again."""
        self.sh("rm /stopped")
        self.processes.insert(0, self.begin(SERVER))
        self.processes.pop()

    def client(self, port: int, statement: str, *, options: str = "") -> str:
        """Command line of the application's account, by TLS with the certificate verified; Router
        has one of its own, which proves nothing to anybody."""
        verified = "--ssl-mode=VERIFY_IDENTITY --ssl-ca=/etc/pairwise/mysql-ca.pem"
        if self.split.router is not None and port == self.split.router.port:
            verified = "--ssl-mode=PREFERRED"
        return (
            f"env MYSQL_PWD={PASSWORD} mysql --no-defaults --user=site -BN {options}"
            f" --host={self.split.address} --port={port} {verified} --connect-timeout=2"
            f' -e "{statement}"'
        )

    def ask(self, port: int, statement: str) -> str:
        """Rows, or the error's words."""
        return self.sh(f"timeout 4 {self.client(port, statement)}", check=False).strip()

    def reads_from(self) -> str:
        """server_id of the server that a read gets to, or words."""
        return self.ask(self.split.read_port, "SELECT @@server_id")

    def writes_to(self) -> str:
        """The same for a write."""
        return self.ask(self.split.write_port, "SELECT @@server_id")

    def table(self) -> list[tuple[str, str, str]]:
        """The splitter's back ends as ``status`` asks for them."""
        text = self.sh(f"python3 {pairs.SPLIT_BACKENDS}", check=False)
        rows = json.loads(text) if text.startswith("[") else []
        return [(row["node"], row["role"], row["state"]) for row in rows]

    def php(self, code: str) -> Any:
        """What a program of the application prints, as JSON."""
        (self.root / "tmp" / "code.php").write_text(f"<?php {code}", encoding="utf-8")
        return json.loads(self.sh("php8.4 /tmp/code.php"))

    def page(self, code: str) -> str:
        """What the application's own class says to it."""
        parts = "".join(f'require "{APP}/{name}.php";' for name in ("answer", "database"))
        place = '(require "/etc/pairwise/app.php")["database"]'
        (self.root / "tmp" / "page.php").write_text(
            f"<?php {parts} $db = new Pairwise\\Database({place}); {code}", encoding="utf-8"
        )
        return self.sh("php8.4 /tmp/page.php 2>/tmp/page.log", check=False).strip()


class Reader:
    """Asks again and again where reads, or writes, go."""

    def __init__(self, node: Node, port: int) -> None:
        self.node = node
        self.port = port
        self.seen: list[tuple[float, float, str]] = []
        """Asked, answered, and the answer."""
        self.ended = threading.Event()

    def run(self) -> None:
        while not self.ended.is_set():
            begun = time.monotonic()
            answer = self.node.ask(self.port, "SELECT @@server_id")
            self.seen.append((begun, time.monotonic(), answer))
            self.ended.wait(0.05)

    def since(self, begun: float, server: str) -> float:
        """Seconds from a moment until the last answer that was not this server's."""
        return self._last(begun, lambda words: words != server)

    def failed(self, begun: float) -> float:
        """Seconds from a moment until the last question ended that got no answer."""
        return self._last(begun, lambda words: not words.isdecimal())

    def silence(self, begun: float) -> float:
        """Seconds from one answer to the next, at most."""
        ends = [end for _, end, words in self.seen if end >= begun and words.isdecimal()]
        return round(max(b - a for a, b in pairwise([begun, *ends, time.monotonic()])), 2)

    def failures(self, begun: float, until: float = math.inf) -> int:
        """Questions without an answer that ended between two moments."""
        ends = [end for _, end, words in self.seen if not words.isdecimal()]
        return sum(begun <= end <= until for end in ends)

    def _last(self, begun: float, is_so: Callable[[str], bool]) -> float:
        ends = [end for _, end, words in self.seen if end >= begun and is_so(words)]
        return round(max(ends, default=begun) - begun, 2)


@contextmanager
def reading(node: Node, port: int) -> Iterator[Reader]:
    """Ask while the block runs."""
    reader = Reader(node, port)
    thread = threading.Thread(target=reader.run)
    thread.start()
    try:
        yield reader
    finally:
        reader.ended.set()
        thread.join()
