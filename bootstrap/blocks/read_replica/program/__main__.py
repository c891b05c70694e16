"""Has a replica copy its source and follow it, and tells directors whether it may be read from.

Usage: python3 -m bootstrap.blocks.read_replica.program CONFIG
One thread looks each second and does one step, the others answer with what was found last: a server
that hangs lets nobody wait. Standard library only, the machine's own Python.
"""

from __future__ import annotations

import json
import socket
import sys
import threading
import time
from pathlib import Path

from bootstrap.blocks.read_replica.program.apply import apply
from bootstrap.blocks.read_replica.program.config import Config, load
from bootstrap.blocks.read_replica.program.decide import STALE_S, Pace, Step, Verdict, decide
from bootstrap.blocks.read_replica.program.seen import Own, Source, look_at_own, look_at_source
from bootstrap.shared.answers import Answer, serve
from bootstrap.shared.mysql_client import Connection, SqlError, is_closed, lets_nobody_in
from bootstrap.shared.replacing import replace

LOOK_S = 1.0
"""From one look to the next."""
AGAIN_S = 10.0
"""After a step that failed: a copy that could not be made costs its source each time."""
YES, NO, UNKNOWN_PATH = 200, 503, 404


class Agent:
    """One replica: what was found last, and since when."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.own = Connection(
            config.own_client, lambda: is_closed(socket.AF_UNIX, config.own_socket)
        )
        self.source = Connection(
            config.source_client,
            lambda: is_closed(socket.AF_INET, (config.source, config.port)),
        )
        self.pace = Pace(strange=_text_of(Path(config.strange)))
        self.verdict = Verdict(fit=False, why="nothing is known yet", step=None)
        self.looked = time.monotonic()
        self.failed = ""
        self.not_before = 0.0

    def look(self) -> None:
        """Find out anew, and do what is to be done."""
        (source, words), own = self._source(), self._own()
        now = time.monotonic()
        strange = self.pace.strange
        self.pace.see(now, source, own, barred=lets_nobody_in(words))
        if self.pace.strange != strange:
            replace(Path(self.config.strange), self.pace.strange, durable=True)
        verdict = decide(
            own,
            source,
            self.pace,
            now=now,
            wanted=self.config.source,
            max_lag_s=self.config.max_lag_s,
            asked=any(Path(mark).exists() for mark in (self.config.rebuild, self.config.copies)),
        )
        if (verdict.fit, verdict.step) != (self.verdict.fit, self.verdict.step):
            print(f"{'fit' if verdict.fit else 'unfit'}: {verdict.why}", flush=True)
        self.verdict, self.looked = verdict, now
        self._publish(source, now)
        if verdict.step is not None and now >= self.not_before:
            self._do(verdict.step)

    def _source(self) -> tuple[Source | None, str]:
        try:
            return look_at_source(self.source), ""
        except SqlError as error:
            return None, str(error)

    def _own(self) -> Own | None:
        try:
            return look_at_own(self.own)
        except SqlError:
            return None

    def _do(self, step: Step) -> None:
        try:
            apply(self.config, self.own, step)
            self.failed = ""
            if step is Step.COPY:
                self.pace = Pace()
        except SqlError as error:
            self.failed = f"{step}: {error}"
            self.not_before = time.monotonic() + AGAIN_S
            print(self.failed, flush=True)

    def _publish(self, source: Source | None, now: float) -> None:
        found = {
            "time": time.time(),
            "node": self.config.node,
            "pair": self.config.pair,
            "source": self.config.source,
            "source_answers": source is not None,
            "silent_s": round(self.pace.silent_s(now), 1),
            "fit": self.verdict.fit,
            "why": self.verdict.why,
            "failed": self.failed,
            "lag_s": round(self.pace.lag_s(now), 1) if self.pace.compared else None,
        }
        replace(Path(self.config.publish), json.dumps(found))

    def keep_looking(self) -> None:
        """Until the process ends."""
        pause = threading.Event()
        while True:
            self.look()
            pause.wait(LOOK_S)

    def answer(self, path: str) -> Answer:
        """To a director's question."""
        if path != self.config.agent_path:
            return UNKNOWN_PATH, f"ask for {self.config.agent_path}"
        if time.monotonic() - self.looked > STALE_S:
            return NO, "nobody has looked at it for some time"
        if not self.verdict.fit:
            return NO, self.verdict.why
        return YES, f"{self.config.agent_words}: {self.verdict.why}"


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return ""


def main(arguments: list[str]) -> None:
    """Run until a signal ends it, or an address to answer at is not there."""
    config = load(Path(arguments[0]))
    agent = Agent(config)
    looking = threading.Thread(target=agent.keep_looking, daemon=True)
    looking.start()
    answering = [
        threading.Thread(
            target=serve, args=((address, config.agent_port), agent.answer), daemon=True
        )
        for address in config.agent_addresses
    ]
    for one in answering:
        one.start()
    # One that has ended could not listen, or has failed: systemd starts all of it again.
    ending = threading.Event()
    while all(one.is_alive() for one in (looking, *answering)):
        ending.wait(LOOK_S)
    sys.exit(1)


if __name__ == "__main__":
    main(sys.argv[1:])
