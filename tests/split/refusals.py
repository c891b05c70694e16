"""HAProxy between clients and a replica that comes and goes; runs in the image's root tree.

Usage: python3 refusals.py CONFIG ROUNDS refuses|hangs, with servers at 127.0.0.1 (source) and
127.0.0.2 (replica) in the file. Prints how many questions were asked, failed, and got no answer
within six seconds. Standard library only.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, suppress
from pathlib import Path

SOURCE, REPLICA = "127.0.0.1", "127.0.0.2"
SERVER_PORT, AGENT_PORT, READS_PORT = 3306, 3318, 3317
CLIENTS = 6
PATIENCE_S = 6.0
PHASES_S = (1.0, 0.6, 2.5, 1.0)
"""The replica serves; is away and its agent has not seen it; has seen it; serves again, unseen."""


class Replica:
    """What is true of it, and what its agent says."""

    serves = True
    fit = True
    hangs = False
    """Away: connections are not even refused, as after a power cut."""


def agent(host: str) -> None:
    """Says what the server is for."""
    with socket.create_server((host, AGENT_PORT)) as listener:
        while True:
            connection, _ = listener.accept()
            with connection, suppress(OSError):
                asked = connection.recv(1024)
                yes = Replica.fit if host == REPLICA else b"/source" in asked
                head = f"HTTP/1.0 {200 if yes else 503} -\r\nContent-Length: 0\r\n\r\n"
                connection.sendall(head.encode())


def answers(connection: socket.socket) -> None:
    """Greets, and answers each question."""
    with connection, suppress(OSError):
        connection.sendall(b"greeting")
        while connection.recv(64):
            connection.sendall(b"answer")


def away() -> None:
    """Until the replica is to serve again. A full queue of connections answers nobody."""
    with ExitStack() as held:
        if Replica.hangs:
            held.enter_context(socket.create_server((REPLICA, SERVER_PORT), backlog=0))
            for _ in range(3):
                waiting = held.enter_context(socket.socket())
                waiting.setblocking(False)
                waiting.connect_ex((REPLICA, SERVER_PORT))
        while not Replica.serves:
            time.sleep(0.01)


def server(host: str) -> None:
    """Serves, but for the times when the replica is to be away."""
    while True:
        if host == REPLICA and not Replica.serves:
            away()
        with socket.create_server((host, SERVER_PORT)) as listener:
            listener.settimeout(0.05)
            while host == SOURCE or Replica.serves:
                with suppress(TimeoutError):
                    thread = threading.Thread(target=answers, args=(listener.accept()[0],))
                    thread.daemon = True
                    thread.start()


class Client:
    """Asks by a new session each time."""

    def __init__(self) -> None:
        self.asked = self.failed = self.forgotten = 0

    def ask(self, ended: threading.Event) -> None:
        """Until told to end."""
        while not ended.wait(0.02):
            self.asked += 1
            try:
                with socket.create_connection((SOURCE, READS_PORT), PATIENCE_S) as session:
                    session.recv(64)
                    session.sendall(b"question")
                    self.failed += not session.recv(64)
            except TimeoutError:
                self.forgotten += 1
            except OSError:
                self.failed += 1


def until_it_listens() -> None:
    """Else each client would fail many times while HAProxy starts."""
    while True:
        with suppress(OSError), socket.create_connection((SOURCE, READS_PORT), PATIENCE_S):
            return
        time.sleep(0.02)


def main(config: str, rounds: int, how: str) -> None:
    """Let the replica come and go."""
    Replica.hangs = how == "hangs"
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    Path("/run/haproxy").mkdir(exist_ok=True)
    for target in (agent, server):
        for host in (SOURCE, REPLICA):
            threading.Thread(target=target, args=(host,), daemon=True).start()
    splitter = subprocess.Popen(["haproxy", "-db", "-f", config])
    until_it_listens()
    ended = threading.Event()
    clients = [Client() for _ in range(CLIENTS)]
    threads = [threading.Thread(target=client.ask, args=(ended,)) for client in clients]
    for thread in threads:
        thread.start()
    for _ in range(rounds):
        time.sleep(PHASES_S[0])
        Replica.serves = False
        time.sleep(PHASES_S[1])
        Replica.fit = False
        time.sleep(PHASES_S[2])
        Replica.serves = True
        time.sleep(PHASES_S[3])
        Replica.fit = True
    ended.set()
    for thread in threads:
        thread.join()
    splitter.kill()
    names = ("asked", "failed", "forgotten")
    print(json.dumps({name: sum(getattr(client, name) for client in clients) for name in names}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
