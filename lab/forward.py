"""A way for a person's browser into the lab: 127.0.0.1:PORT outside -> VIP:80 inside.

The forwarding process has two halves, because a socket belongs to the namespace in which it was
made: it listens outside, then its worker thread enters the namespace and opens every connection
there. Only loopback is listened on; the port is chosen by the kernel and kept in a file.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import selectors
import socket
import subprocess
import sys
import threading
from pathlib import Path

from lab import daemons, namespace
from lab.paths import Paths
from lab.steps import StepError
from lab.waiting import wait_until

CLONE_NEWNET = 0x40000000
"""setns(2): the kind of namespace that is entered."""
CHUNK = 65536
"""Bytes moved at a time."""
CONNECT_S = 10
"""A VIP without a holder lets a connection attempt hang this long."""
START_S = 10
"""How long the process may take to say which port it has."""


def _folder(paths: Paths) -> Path:
    return paths.lab / "forward"


def start(paths: Paths, name: str, target: str, port: int) -> str:
    """Start a forward, or find the one that runs; returns its URL."""
    folder = _folder(paths)
    folder.mkdir(parents=True, exist_ok=True)
    pid_file, port_file = folder / f"{name}.pid", folder / f"{name}.json"
    wanted = {"target": target, "port": port}
    if daemons.running(pid_file) is not None and port_file.exists():
        known = json.loads(port_file.read_text())
        if known["wanted"] == wanted:
            return str(known["url"])
    daemons.stop(pid_file)
    port_file.unlink(missing_ok=True)
    argv = ["nice", "-n", "10", sys.executable, "-m", "lab.forward"]
    argv += [paths.netns, target, str(port), str(port_file)]
    process = subprocess.Popen(
        argv,
        cwd=paths.root,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    wait_until(lambda: port_file.exists() or process.poll() is not None, timeout_s=START_S)
    if not port_file.exists():
        raise StepError(
            f"The forward to {target}:{port} did not start in namespace {paths.netns}: "
            "`pairwise lab status` says whether the lab is up."
        )
    daemons.record(pid_file, process.pid)
    return str(json.loads(port_file.read_text())["url"])


def running(paths: Paths) -> dict[str, str]:
    """URL of each forward that runs, by name."""
    found = {}
    for pid_file in sorted(_folder(paths).glob("*.started")):
        port_file = pid_file.with_suffix(".json")
        if daemons.running(pid_file.with_suffix(".pid")) is not None and port_file.exists():
            found[pid_file.stem] = str(json.loads(port_file.read_text())["url"])
    return found


def stop_all(paths: Paths) -> None:
    """End every forward of the lab."""
    for started in _folder(paths).glob("*.started"):
        daemons.stop(started.with_suffix(".pid"))
        started.with_suffix(".json").unlink(missing_ok=True)


def serve(netns: str, target: str, port: int, port_file: Path) -> None:
    """Forward until ended."""
    listener = socket.create_server(("127.0.0.1", 0))
    with (namespace.NETNS_FOLDER / netns).open("rb") as handle:
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.setns(handle.fileno(), CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), f"cannot enter namespace {netns}")
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
    partial = port_file.with_suffix(".new")
    wanted = {"target": target, "port": port}
    partial.write_text(json.dumps({"url": url, "wanted": wanted}) + "\n")
    partial.replace(port_file)
    while True:
        client, _ = listener.accept()
        threading.Thread(target=_relay, args=(client, target, port), daemon=True).start()


def _relay(client: socket.socket, target: str, port: int) -> None:
    with client, contextlib.suppress(OSError):
        server = socket.create_connection((target, port), timeout=CONNECT_S)
        with server:
            server.settimeout(None)
            with selectors.DefaultSelector() as selector:
                selector.register(client, selectors.EVENT_READ, server)
                selector.register(server, selectors.EVENT_READ, client)
                while selector.get_map():
                    for key, _ in selector.select():
                        _move(selector, key)


def _move(selector: selectors.BaseSelector, key: selectors.SelectorKey) -> None:
    source = key.fileobj
    assert isinstance(source, socket.socket)
    data = source.recv(CHUNK)
    if data:
        key.data.sendall(data)
        return
    selector.unregister(source)
    with contextlib.suppress(OSError):
        key.data.shutdown(socket.SHUT_WR)


if __name__ == "__main__":
    serve(sys.argv[1], sys.argv[2], int(sys.argv[3]), Path(sys.argv[4]))
