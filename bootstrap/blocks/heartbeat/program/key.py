"""Has Heartbeat of both nodes of a pair take a new key within the dead time.

    heartbeat-key CONFIG follow     on both nodes while a key waits: takes it when the peer signs so
    heartbeat-key CONFIG lead       by `up`, on the node that is activated last: takes it first

Heartbeat 3.0.6 verifies with the key that it signs with and with no other one, whatever else stands
in authkeys (authkeys(5) says otherwise; heartbeat.c has ``config->authmethod`` in each check). Two
nodes with different keys do not hear each other. It reads the file again on SIGHUP (heartbeat(8)).

The new file waits beside the one in use, where Heartbeat does not look. Who leads takes it while
Heartbeat of both nodes run and hear each other, and the one that follows sees the first message on
the wire that is signed with it and takes it as well. No clock is compared, nothing is sent, and no
key leaves its file. A leader whose peer does not follow within half of the dead time goes back to
the old key, and the follower that is late goes back with it: nobody is silent for the dead time.

What waits is there until the switch is over, so that a run that was killed anywhere is finished by
the next one. A message that was signed with the other key is asked for again afterwards, and signed
anew when it is sent again.
"""

from __future__ import annotations

import hmac
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

MARK = b"%%%\n"
"""Ends a message on the wire; the length, the number and the value of its MAC follow, and a comma.
HMAC-SHA1 of all up to here (seen; ``hb_compute_authentication``)."""
DATAGRAM = 65535
UDP_HEADER = 8
HEARD_S = 60.0
"""For so long a leader waits for its peer: Heartbeat may have been started a moment ago."""
LOOK_S = 1.0
GRACE_S = 1.0
"""For so long after a switch a message of before it may still come."""
CL_STATUS_S = 10


class RefusedError(Exception):
    """Why nothing was switched, as a sentence."""


def key_of(text: str) -> bytes:
    """The key in a file of ours: one line of authkeys(5) after ``auth 1``."""
    return (
        next(line for line in text.splitlines() if line.startswith("1 sha1 ")).split()[2].encode()
    )


def is_signed(message: bytes, key: bytes) -> bool:
    """Whether a message of Heartbeat is signed with a key."""
    text, mark, rest = message.rpartition(MARK)
    wanted = hmac.digest(key, text + mark, "sha1").hex().encode()
    return bool(mark) and hmac.compare_digest(rest.rstrip(b",\0").rpartition(b" ")[2], wanted)


class Wire:
    """What the peer's Heartbeat sends, whether this node's runs or not."""

    def __init__(self, peers: list[str], port: int) -> None:
        """Take the peer's addresses on all links, and Heartbeat's port."""
        self._peers = {socket.inet_aton(peer) for peer in peers}
        self._port = port.to_bytes(2, "big")
        self._line = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP)

    def next(self, seconds: float) -> bytes | None:
        """The peer's next message, None when there is none in time."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._line.settimeout(left)
            with suppress(TimeoutError):
                message = self._message(self._line.recv(DATAGRAM))
                if message is not None:
                    return message
        return None

    def _message(self, packet: bytes) -> bytes | None:
        """Its message where it is the peer's to Heartbeat (RFC 791, RFC 768)."""
        header = 4 * (packet[0] & 15)
        if packet[12:16] not in self._peers or packet[header + 2 : header + 4] != self._port:
            return None
        return packet[header + UDP_HEADER :]


class Node:
    """This node's files and its Heartbeat."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        """Take what the block has written."""
        self.peer = str(config["peer"])
        self.interfaces = list(config["links"])
        self.limit_s = config["deadtime_s"] / 2
        self.watch_s = config["keepalive_s"] + 2.0
        self.used = Path(config["authkeys"])
        self.waiting = Path(f"{self.used}.new")
        self._old = Path(f"{self.used}.old")
        self._ha_cf = Path(config["ha_cf"])
        self._pid_file = Path(config["pid_file"])

    def take(self) -> None:
        """Sign with the new key from now on; the old file is kept.

        Raises:
            RefusedError: Heartbeat would start anew on the signal: ha.cf has changed.
        """
        pid = self.pid()
        if pid and self._ha_cf.stat().st_mtime > self._pid_file.stat().st_mtime:
            raise RefusedError(
                f"{self._ha_cf} was written after Heartbeat read it, and Heartbeat would start"
                " anew: restart it on the backup, do a switchover, restart the other one, and run"
                " `pairwise up` again; both nodes go on with the old key."
            )
        if not self._old.exists():
            os.link(self.used, self._old)
        # Heartbeat looks at the time, in seconds.
        os.utime(self.waiting)
        candidate = Path(f"{self.used}.next")
        candidate.unlink(missing_ok=True)
        os.link(self.waiting, candidate)
        candidate.replace(self.used)
        # Where both were the same file already it is still there (rename(2)).
        candidate.unlink(missing_ok=True)
        self._reread(pid)

    def go_back(self) -> None:
        """Sign with the old key again; the new one waits."""
        self._old.replace(self.used)
        self._reread(self.pid())

    def finish(self) -> None:
        """The switch is over."""
        self._old.unlink(missing_ok=True)
        self.waiting.unlink(missing_ok=True)

    def pid(self) -> int:
        """Heartbeat's process, 0 where it does not run."""
        with suppress(OSError, ValueError):
            pid = int(self._pid_file.read_text())
            if Path(f"/proc/{pid}/comm").read_text().strip() == "heartbeat":
                return pid
        return 0

    def _reread(self, pid: int) -> None:
        if pid:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGHUP)

    def hears(self) -> bool:
        """Whether Heartbeat here hears the peer, and moves no group now."""
        links = (self._says("hblinkstatus", self.peer, name) for name in self.interfaces)
        return "up" in links and self._says("rscstatus") not in ("", "transition")

    def _says(self, *words: str) -> str:
        argv = ["cl_status", *words]
        try:
            done = subprocess.run(argv, check=False, capture_output=True, timeout=CL_STATUS_S)
        except subprocess.TimeoutExpired:
            return ""
        return done.stdout.decode().strip()


def follow(node: Node, wire: Wire) -> None:
    """Take the key that waits when the peer signs with it; returns when none waits any more."""
    while node.waiting.exists():
        message = wire.next(LOOK_S)
        if message is None or not is_signed(message, key_of(node.waiting.read_text())):
            continue
        try:
            node.take()
        except RefusedError as refused:
            print(refused, flush=True)
            wire.next(LOOK_S)
            continue
        if stays(node, wire, seconds=node.watch_s):
            node.finish()
            print("taken: the peer signs with the new key", flush=True)
        else:
            node.go_back()
            print("gone back: the peer signs with the old key again", flush=True)


def stays(node: Node, wire: Wire, *, seconds: float) -> bool:
    """Whether the peer signs with the new key and no other one for so long; silence is no other."""
    key = key_of(node.waiting.read_text())
    began = time.monotonic()
    while (left := began + seconds - time.monotonic()) > 0:
        message = wire.next(left)
        late = time.monotonic() - began > GRACE_S
        if message is not None and late and not is_signed(message, key):
            return False
    return True


def lead(node: Node, wire: Wire) -> None:
    """Take the key that waits, and go back where the peer does not follow.

    Raises:
        RefusedError: both nodes sign with the old key, as before.
    """
    if not node.waiting.exists():
        return
    if not node.pid():
        raise RefusedError("Heartbeat does not run here: both nodes go on with the old key.")
    key = key_of(node.waiting.read_text())
    end = time.monotonic() + HEARD_S
    while not node.hears():
        message = wire.next(LOOK_S)
        if message is not None and is_signed(message, key):
            break
        if time.monotonic() > end:
            raise RefusedError(
                f"Heartbeat here does not hear {node.peer}, or moves a group: both nodes go on with"
                " the old key; run `pairwise up` again when it does."
            )
    node.take()
    if not (follows(node, wire, key) and stays(node, wire, seconds=node.watch_s + LOOK_S)):
        node.go_back()
        raise RefusedError(
            f"{node.peer} has not taken the new key within {node.limit_s:g} s: both nodes go on"
            " with the old one; `journalctl -u pairwise-heartbeat-key` there says why."
        )
    node.finish()


def follows(node: Node, wire: Wire, key: bytes) -> bool:
    """Whether the peer signs with the new key within half of the dead time."""
    end = time.monotonic() + node.limit_s
    while (left := end - time.monotonic()) > 0:
        message = wire.next(left)
        if message is not None and is_signed(message, key):
            return True
    return False


def main(path: str, verb: str) -> int:
    """Run a verb; the exit code."""
    config = json.loads(Path(path).read_text(encoding="utf-8"))
    node, wire = Node(config), Wire(list(config["links"].values()), config["port"])
    if verb == "follow":
        follow(node, wire)
        return 0
    try:
        lead(node, wire)
    except RefusedError as refused:
        print(refused, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
