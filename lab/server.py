"""The lab's own HTTP server, in its namespace, for its machines only.

``POST /notify`` takes a notification (a JSON object) and appends it as one line to a file of the
lab; ``GET /packages/...`` serves the Debian packages of the image's source, where an image was
baked with them. It listens at every address of the namespace, because a network's address comes
with the network; who is not in the network of the address that was called is refused.
"""

from __future__ import annotations

import ipaddress
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from lab import daemons, namespace
from lab.paths import Paths
from lab.steps import StepError
from lab.waiting import wait_until

PORT = 8025
"""A test holds it and NOTIFY_PATH together with what the plan tells the machines."""
NOTIFY_PATH = "/notify"
PACKAGES_PATH = "/packages/"
MAX_BODY = 65536
"""A notification has a few hundred bytes."""
START_S = 10
"""How long the process may take to listen."""

Networks = Callable[[], Sequence[ipaddress.IPv4Interface]]


def notifications_file(paths: Paths) -> Path:
    """What was received: one JSON object per line, oldest first, with ``received`` (epoch s).

    Messages are delivered at least once: two lines with one ``id`` are one message.
    """
    return paths.lab / "server" / "notifications.jsonl"


def ensure(paths: Paths) -> None:
    """Start the server of a lab whose namespace is there, if it does not run.

    Raises:
        StepError: it does not listen.
    """
    folder = notifications_file(paths).parent
    folder.mkdir(parents=True, exist_ok=True)
    pid_file = folder / "server.pid"
    if daemons.running(pid_file) is not None:
        return
    pid_file.unlink(missing_ok=True)
    argv = [*namespace.enter(paths.netns), "nice", "-n", "10", sys.executable, "-m", "lab.server"]
    argv += [str(PORT), str(notifications_file(paths)), str(paths.packages)]
    with (folder / "server.log").open("ab") as log:
        process = subprocess.Popen(
            argv,
            cwd=paths.root,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    # It writes its pid file when it listens.
    wait_until(lambda: pid_file.exists() or process.poll() is not None, timeout_s=START_S)
    if process.poll() is not None or not pid_file.exists():
        raise StepError(
            f"The lab's HTTP server does not listen on port {PORT} in namespace {paths.netns}: "
            f"its log is {folder / 'server.log'}."
        )
    daemons.record(pid_file, process.pid)


def stop(paths: Paths) -> None:
    """End the server; what it received goes with the lab."""
    folder = notifications_file(paths).parent
    daemons.stop(folder / "server.pid")
    shutil.rmtree(folder, ignore_errors=True)


class Handler(SimpleHTTPRequestHandler):
    """One request of a machine."""

    protocol_version = "HTTP/1.1"
    lock = threading.Lock()
    """Lines of two requests never mix."""

    def __init__(self, *arguments: Any, sink: Path, networks: Networks, packages: Path) -> None:
        self.sink = sink
        self.networks = networks
        super().__init__(*arguments, directory=str(packages))

    def do_POST(self) -> None:
        """Take a notification."""
        length = int(self.headers.get("Content-Length") or 0)
        if self.path != NOTIFY_PATH or not self._is_neighbour() or not 0 < length <= MAX_BODY:
            self.close_connection = True
            self.send_error(HTTPStatus.FORBIDDEN)
            return
        try:
            message = json.loads(self.rfile.read(length))
        except ValueError:
            message = None
        if not isinstance(message, dict):
            self.send_error(HTTPStatus.BAD_REQUEST, "no JSON object")
            return
        self._append({**message, "received": time.time()})
        self.send_response(HTTPStatus.NO_CONTENT)
        self.end_headers()

    def send_head(self) -> Any:  # type: ignore[explicit-override]
        """Serve a package or its index; GET and HEAD come through here."""
        if not self.path.startswith(PACKAGES_PATH) or not self._is_neighbour():
            self.send_error(HTTPStatus.NOT_FOUND)
            return None
        self.path = self.path.removeprefix(PACKAGES_PATH.rstrip("/"))
        return super().send_head()

    def _append(self, message: dict[str, Any]) -> None:
        """On disk before the sender forgets it."""
        with self.lock, self.sink.open("a", encoding="utf-8") as file:
            file.write(json.dumps(message) + "\n")
            file.flush()
            os.fsync(file.fileno())

    def _is_neighbour(self) -> bool:
        """Whether the client is in the network of the address that it called."""
        here = ipaddress.ip_address(self.connection.getsockname()[0])
        client = ipaddress.ip_address(self.client_address[0])
        return any(here == own.ip and client in own.network for own in self.networks())

    def log_message(self, format: str, *args: Any) -> None:  # type: ignore[explicit-override] # noqa: A002
        """One line for each request that was refused; the rest is in the file."""
        if format.startswith("code"):
            return
        if len(args) > 1 and not str(args[1]).startswith("2"):
            super().log_message(format, *args)


def own_networks() -> list[ipaddress.IPv4Interface]:
    """Addresses of the namespace's bridges; loopback's are no network of machines."""
    argv = ["ip", "-json", "-4", "address", "show"]
    found = json.loads(subprocess.run(argv, check=True, capture_output=True, text=True).stdout)
    return [
        ipaddress.IPv4Interface(f"{address['local']}/{address['prefixlen']}")
        for card in found
        if "LOOPBACK" not in card["flags"]
        for address in card["addr_info"]
    ]


def make(
    address: tuple[str, int], *, sink: Path, packages: Path, networks: Networks = own_networks
) -> ThreadingHTTPServer:
    """A server that listens, and serves once ``serve_forever`` is called."""
    handler = partial(Handler, sink=sink, networks=networks, packages=packages)
    return ThreadingHTTPServer(address, handler)


def main(arguments: list[str]) -> None:
    """Serve until ended."""
    port, sink, packages = arguments
    server = make(("0.0.0.0", int(port)), sink=Path(sink), packages=Path(packages))
    (Path(sink).parent / "server.pid").write_text(f"{os.getpid()}\n")
    server.serve_forever()


if __name__ == "__main__":
    main(sys.argv[1:])
