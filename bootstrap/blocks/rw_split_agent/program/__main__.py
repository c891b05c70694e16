"""Tells splitters what the server of this node is good for, over HTTP.

Usage: python3 -m bootstrap.blocks.rw_split_agent.program CONFIG
One thread looks twice a second, the other one answers with what was found: a server that hangs lets
nobody wait. Standard library only, the machine's own Python.
"""

from __future__ import annotations

import json
import math
import socket
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from bootstrap.blocks.rw_split_agent.program.judge import NO, Limits, Verdict, judge, unfit
from bootstrap.shared.answers import Answer, serve

LOOK_S = 0.5
"""From one look to the next."""
GREETING_S = 1.0
"""A server greets within milliseconds; one that is frozen is connected to, and says nothing."""


class Agent:
    """What was found last, and since when."""

    def __init__(self, config: dict[str, Any]) -> None:
        self.limits = Limits(max_lag_s=config["max_lag_s"], drain_s=config["drain_s"])
        self.document = Path(config["document"])
        self.socket = str(config["socket"])
        self.place = (str(config["address"]), int(config["port"]))
        self.found: dict[str, Verdict] = {}
        self.words = ""
        self.changed = time.monotonic()
        self.fit = -math.inf

    def look(self) -> None:
        """Find out anew."""
        serves = greets(self.socket)
        now = time.monotonic()
        try:
            words = self.document.read_text(encoding="utf-8")
            said: dict[str, Any] = json.loads(words)
        except (OSError, ValueError):
            words, said = "", {}
        # Its age by this clock: that of the day may be set while it is measured.
        if words != self.words:
            self.words, self.changed = words, now
        age_s = now - self.changed
        if not unfit(self.limits, said, age_s=age_s):
            self.fit = now
        found = judge(self.limits, said, age_s=age_s, serves=serves, unfit_s=now - self.fit)
        for question, verdict in found.items():
            if verdict.status != self.found.get(question, Verdict(0, "")).status:
                print(f"{question}: {verdict.status}, {verdict.why}", flush=True)
        self.found = found

    def keep_looking(self) -> None:
        """Until the process ends."""
        pause = threading.Event()
        while True:
            self.look()
            pause.wait(LOOK_S)

    def answer(self, path: str) -> Answer:
        """To a question."""
        verdict = self.found.get(path, Verdict(NO, "nothing is known"))
        return verdict.status, verdict.why


def greets(path: str) -> bool:
    """Whether a server sends the first packet of its protocol, which says its version."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client, suppress(OSError):
        client.settimeout(GREETING_S)
        client.connect(path)
        return bool(client.recv(1))
    return False


def main(arguments: list[str]) -> None:
    """Run until a signal ends it."""
    agent = Agent(json.loads(Path(arguments[0]).read_text(encoding="utf-8")))
    threading.Thread(target=agent.keep_looking, daemon=True).start()
    serve(agent.place, agent.answer)


if __name__ == "__main__":
    main(sys.argv[1:])
