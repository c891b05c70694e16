"""Has the peer of a data pair outdate its copies, over a link that replication does not use.

    outdate-peer CONFIG serve                    on both nodes, for as long as they run
    outdate-peer CONFIG greet SECONDS            by `pairwise verify`: whether the peer answers
    outdate-peer CONFIG ask RESOURCE SECONDS     by hand, once

DRBD's fence-peer handler of a Primary writes a word of its own and the seconds to a pipe of the
resource, and reads its word and the answer from a second one: while clients wait, no program has to
be started. Answers are exit codes of drbd.conf(5)'s handler: 4, the peer's copies are outdated; 6,
it is Primary itself and refuses; 5, nobody answers. 20 is nothing of drbd.conf(5): it could not.

Instead of Heartbeat's dopd, which serves one question after the other and dies after each: where
each node holds a group, both ask at once, and clients stood still for 12 s of the 5.

Datagrams: a MAC (HMAC-SHA256 with the pair's secret, RFC 2104), a space, JSON. The one that asks
says ``hello`` with a number of its own and is told a number of the server's; only a question with
that is answered, once. So no recorded datagram has an effect, and none can be sent back to where it
came from: each names the node that it is for.
"""

from __future__ import annotations

import hmac
import json
import os
import secrets
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

AGAIN_S = 0.3
"""A datagram may get lost, or find a server that is just being started."""
VALID_S = 20.0
"""For so long a server remembers a number and what it has answered to it."""
PROGRAM_S = 10
"""What outdates the copies takes a second under emulation."""
OUTDATED, SILENT, PRIMARY, BROKEN = 4, 5, 6, 20
CODES = {0: OUTDATED, 17: PRIMARY}
"""What drbdadm's exit codes mean for the one that asks."""
DATAGRAM = 2048


def sealed(key: bytes, words: Mapping[str, Any]) -> bytes:
    """A datagram."""
    text = json.dumps(words, sort_keys=True).encode()
    return hmac.digest(key, text, "sha256").hex().encode() + b" " + text


def opened(key: bytes, datagram: bytes) -> dict[str, Any]:
    """Its words; none where the secret is another one, or it is no datagram of ours."""
    mac, _, text = datagram.partition(b" ")
    if not hmac.compare_digest(mac, hmac.digest(key, text, "sha256").hex().encode()):
        return {}
    words: dict[str, Any] = json.loads(text)
    return words


class Server:
    """Answers the peer."""

    def __init__(self, key: bytes, node: str, outdate: Callable[[str], int]) -> None:
        """Take the pair's secret, this node's name and what outdates a resource."""
        self._key, self._node, self._outdate = key, node, outdate
        self._given: dict[str, float] = {}
        self._done: dict[str, int] = {}

    def answer(self, datagram: bytes, *, now: float) -> bytes:
        """What is sent back; nothing where nobody has to be answered."""
        words = opened(self._key, datagram)
        if words.get("to") != self._node:
            return b""
        for old in [one for one, given in self._given.items() if now - given > VALID_S]:
            del self._given[old]
            self._done.pop(old, None)
        if words.get("say") == "hello":
            number = secrets.token_hex(16)
            self._given[number] = now
            return self._said(words, "here", number=number, hello=words.get("hello"))
        number = str(words.get("number"))
        if words.get("say") != "outdate" or number not in self._given:
            return b""
        if number not in self._done:
            self._done[number] = self._outdate(str(words.get("resource")))
        return self._said(words, "done", number=number, code=self._done[number])

    def _said(self, words: Mapping[str, Any], say: str, **more: object) -> bytes:
        return sealed(self._key, {"to": words.get("from"), "say": say, **more})


class Talk:
    """Questions to the peer, until the deadline (of time.monotonic)."""

    def __init__(
        self, line: socket.socket, peer: tuple[str, int], key: bytes, deadline: float
    ) -> None:
        """Take a bound socket, unconnected: a server that is being started is waited for."""
        self._line, self._peer, self._key, self._deadline = line, peer, key, deadline

    def exchange(self, words: Mapping[str, Any], say: str, number: str) -> dict[str, Any]:
        """Say something until it is answered with that number; nothing when time is up."""
        again = 0.0
        while (now := time.monotonic()) < self._deadline:
            if now >= again:
                again = now + AGAIN_S
                # A network that is away may come back in time.
                with suppress(OSError):
                    self._line.sendto(sealed(self._key, words), self._peer)
            self._line.settimeout(max(min(again, self._deadline) - now, 0.001))
            try:
                found = opened(self._key, self._line.recv(DATAGRAM))
            except TimeoutError:
                continue
            if (found.get("to"), found.get("say")) != (words["from"], say):
                continue
            if number in {found.get("hello"), found.get("number")}:
                return found
        return {}


@contextmanager
def talking(config: Mapping[str, Any], key: bytes, seconds: float) -> Iterator[Talk]:
    """Talk to the peer for so long."""
    deadline = time.monotonic() + seconds
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.bind((config["address"], 0))
        yield Talk(line, (config["peer_address"], config["port"]), key, deadline)


def greet(config: Mapping[str, Any], talk: Talk) -> str:
    """The number that the peer gives for a question; none when it does not answer."""
    hello = secrets.token_hex(16)
    words = {"from": config["node"], "to": config["peer"], "say": "hello", "hello": hello}
    return str(talk.exchange(words, "here", hello).get("number", ""))


def ask(config: Mapping[str, Any], key: bytes, resource: str, *, seconds: float) -> int:
    """Have the peer outdate its copies; the exit code."""
    with talking(config, key, seconds) as talk:
        number = greet(config, talk)
        if not number:
            return SILENT
        words = {"from": config["node"], "to": config["peer"], "say": "outdate"}
        done = talk.exchange({**words, "number": number, "resource": resource}, "done", number)
    return CODES.get(done["code"], BROKEN) if done else SILENT


def serve(config: Mapping[str, Any], key: bytes) -> None:
    """Answer the peer, and the handlers of this node, until the process is ended."""
    for resource in config["resources"]:
        asked, answers = (Path(config["pipes"]) / f"{resource}{end}" for end in ("", ".answer"))
        for pipe in (asked, answers):
            pipe.unlink(missing_ok=True)
            os.mkfifo(pipe, mode=0o600)
        relayed = (config, key, resource, asked, answers)
        threading.Thread(target=relay, args=relayed, daemon=True).start()

    def outdate(resource: str) -> int:
        argv = [config["program"], "outdate", resource]
        try:
            return subprocess.run(argv, check=False, timeout=PROGRAM_S).returncode
        except subprocess.TimeoutExpired:
            return BROKEN

    server = Server(key, config["node"], outdate)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.bind((config["address"], config["port"]))
        while True:
            datagram, sender = line.recvfrom(DATAGRAM)
            answer = server.answer(datagram, now=time.monotonic())
            # Who asked asks again; what was done is remembered.
            with suppress(OSError):
                if answer:
                    line.sendto(answer, sender)


def relay(config: Mapping[str, Any], key: bytes, resource: str, asked: Path, answers: Path) -> None:
    """Ask the peer whenever a handler of this node wants it.

    Both ends of both pipes stay open: nobody has to wait for the other one to open his. What a
    handler did not stay for is read by the next one, who knows by its word that it is not his.
    """
    answer = os.open(answers, os.O_RDWR)
    # Unbuffered: a pipe cannot be sought, and lines are short.
    lines = os.open(asked, os.O_RDWR)
    while True:
        word, seconds = os.read(lines, DATAGRAM).splitlines()[-1].split()
        try:
            code = ask(config, key, resource, seconds=float(seconds))
        except OSError:
            # This node has no address there now.
            code = BROKEN
        os.write(answer, word + f" {code}\n".encode())


def main(path: str, verb: str, *more: str) -> int:
    """Run a verb; the exit code."""
    config = json.loads(Path(path).read_text(encoding="utf-8"))
    key = Path(config["secret"]).read_text(encoding="utf-8").splitlines()[0].encode()
    if verb == "serve":
        serve(config, key)
    if verb == "greet":
        with talking(config, key, float(more[0])) as talk:
            return 0 if greet(config, talk) else SILENT
    return ask(config, key, more[0], seconds=float(more[1]))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
