#!/usr/bin/python3
"""Deliver spooled messages to one destination, oldest first, until none is left.

Managed by pairwise; local edits are lost. Usage: notify-deliver DESTINATION FOLDER CONFIG.

A message that cannot be delivered is tried again, and those behind it wait: order is kept. Every
message is delivered at least once; the same one twice has the same id. After a day it is dropped.
Standard library only, the machine's own Python.
"""

import json
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from email.message import EmailMessage
from pathlib import Path
from typing import Any

FIELDS = ("id", "time", "kind", "pair", "node", "vip", "state", "text")
"""As the program that puts messages into the spool writes them, each ended by a zero byte."""
TRY_S = 10
"""How long one attempt may take."""
FIRST_PAUSE_S = 1.0
"""After the first failure; doubled with each one."""
LONGEST_PAUSE_S = 30.0
"""A network that is back is noticed within half a minute."""
DROP_AFTER_S = 86400
"""One that nobody took for a day is no news, and holds up all that came after it."""
SENDMAIL = "/usr/sbin/sendmail"
"""Every Debian mail transport agent has it (Debian policy 11.6)."""

Message = dict[str, str]
Send = Callable[[Message], None]


class DeliveryError(Exception):
    """One attempt failed; the text says why."""


def read(path: Path) -> Message | None:
    """The message in a file; none when a power cut left it unfinished, or it is not to be read."""
    try:
        parts = path.read_bytes().decode(errors="replace").split("\0")
    except OSError as error:
        # One such file must not hold up all others by ending the program at each start.
        print(f"unreadable: {error}", flush=True)
        return None
    if len(parts) != len(FIELDS) + 1:
        return None
    return dict(zip(FIELDS, parts, strict=False))


def to_lab(config: Mapping[str, Any]) -> Send:
    """POST the message as JSON; only a 2xx answer counts."""
    # No proxy: the receiver is on the same wire.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def send(message: Message) -> None:
        body = json.dumps(message).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(config["lab"], data=body, headers=headers)
        try:
            opener.open(request, timeout=TRY_S).close()
        except (urllib.error.URLError, OSError) as error:
            raise DeliveryError(f"{config['lab']}: {error}") from error

    return send


def to_command(config: Mapping[str, Any]) -> Send:
    """Give the message as JSON to the program; ending with 0 counts."""

    def send(message: Message) -> None:
        _run(config["command"], json.dumps(message) + "\n")

    return send


def to_mail(config: Mapping[str, Any]) -> Send:
    """Hand a mail to sendmail, which has a queue of its own."""

    def send(message: Message) -> None:
        if not Path(SENDMAIL).exists():
            raise DeliveryError(f"{SENDMAIL} is missing: install a mail transport agent")
        mail = EmailMessage()
        mail["To"] = ", ".join(config["mail"])
        mail["Subject"] = " ".join(f"[{message['pair']}] {message['text']}".split())
        mail["Message-ID"] = f"<{message['id']}@{message['node']}>"
        mail.set_content("".join(f"{name}: {message[name]}\n" for name in FIELDS))
        _run([SENDMAIL, "-i", "--", *config["mail"]], mail.as_string())

    return send


def _run(argv: list[str], text: str) -> None:
    try:
        done = subprocess.run(
            argv, input=text, text=True, timeout=TRY_S, capture_output=True, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise DeliveryError(f"{argv[0]}: {error}") from error
    if done.returncode != 0:
        words = " ".join(done.stderr.split())[-200:]
        raise DeliveryError(f"{argv[0]} ended with {done.returncode}: {words}")


DESTINATIONS = {"lab": to_lab, "command": to_command, "mail": to_mail}


def deliver(folder: Path, send: Send, *, pause: Callable[[float], object]) -> None:
    """Deliver everything in a folder, oldest first; returns when it is empty."""
    wait_s = FIRST_PAUSE_S
    while names := sorted(path.name for path in folder.iterdir()):
        path = folder / names[0]
        message = read(path)
        if message is None or time.time() - path.stat().st_mtime > DROP_AFTER_S:
            print(f"dropped, damaged or a day old: {path.name}", flush=True)
            path.unlink()
            continue
        try:
            send(message)
        except DeliveryError as error:
            print(f"{len(names)} waiting, next try in {wait_s:.0f} s: {error}", flush=True)
            pause(wait_s)
            wait_s = min(2 * wait_s, LONGEST_PAUSE_S)
            continue
        path.unlink()
        wait_s = FIRST_PAUSE_S


def main(arguments: list[str]) -> None:
    """Run for one destination."""
    destination, folder, config = arguments
    send = DESTINATIONS[destination](json.loads(Path(config).read_text(encoding="utf-8")))
    deliver(Path(folder), send, pause=threading.Event().wait)


if __name__ == "__main__":
    main(sys.argv[1:])
