"""The monitor of a Heartbeat pair's node: each second one look, one decision, its effects.

Usage: python3 -m bootstrap.blocks.monitor.program CONFIG STATE_FILE RUN_FOLDER
SIGTERM ends it at once: every file is replaced as a whole, and what Heartbeat or systemd were asked
for goes on without it. Standard library only, the machine's own Python.
"""

from __future__ import annotations

import dataclasses
import json
import os
import socket
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from bootstrap.blocks.monitor.program import config as configuration
from bootstrap.blocks.monitor.program import memory as remembered
from bootstrap.blocks.monitor.program.decide import decide
from bootstrap.blocks.monitor.program.effects import Runner, write
from bootstrap.blocks.monitor.program.memory import Memory
from bootstrap.blocks.monitor.program.observe import Observer
from bootstrap.blocks.monitor.program.seen import Now, Observation
from bootstrap.blocks.monitor.program.status import status

PASS_S = 1.0
"""From the beginning of one pass to that of the next."""
MOVING_S = 2.0
"""The same while Heartbeat moves groups, when nothing may be done: the daemons that start then need
the processor, of which the monitor took a fifth (emulated; a look asks systemd and Heartbeat)."""
FRESH_S = 30.0
"""DRBD goes on for some seconds before it misses a peer that was powered off."""


def tell_systemd(state: str) -> None:
    """Say that it runs (sd_notify(3)); without systemd nobody listens."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if address:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as to_systemd:
            to_systemd.sendto(state.encode(), address.replace("@", "\0", 1))


class Monitor:
    """The loop's parts and what it has written last."""

    def __init__(self, config: configuration.Config, state: Path, run: Path) -> None:
        self.config = config
        self.state = state
        self.run = run
        self.observer = Observer(config)
        self.runner = Runner(config)
        self.memory = self._restore()
        self.written: dict[Path, str] = {}

    def _restore(self) -> Memory:
        try:
            found = json.loads(self.state.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return Memory()
        return remembered.restore(found if isinstance(found, dict) else {})

    def one_pass(self, now: Now) -> None:
        """Look, decide, do, write."""
        ended = self.runner.collect(now.mono)
        seen = self.observer.look(self.memory, now, running=self.runner.running, ended=ended)
        self._forget_absence(seen, now)
        self.memory, actions = decide(self.config, self.memory, seen, now)
        # Before it is done: a hand-over that nobody remembers would be asked for once too often.
        self._changed(self.state, remembered.dump(self.memory, wall=now.wall), durable=True)
        for action in actions:
            self.runner.do(action, now.mono)
        problems = [dataclasses.asdict(p) for p in self.memory.problems.values()]
        self._changed(self.run / "problems.json", problems)
        self._write(self.run / "status.json", status(self.config, self.memory, seen, now))

    @property
    def pace_s(self) -> float:
        """Seconds from the beginning of a pass to that of the next."""
        return PASS_S if self.memory.changing_since is None else MOVING_S

    def _forget_absence(self, seen: Observation, now: Now) -> None:
        """Remove what was known of an absent peer once its disks are heard again: when it is lost
        the next time, that it is off has to be proven, or said by a person, anew."""
        if not any(state.linked for state in seen.drbd.values()):
            return
        for mark in map(Path, self.config.of_absence):
            with suppress(FileNotFoundError):
                if now.wall - mark.stat().st_mtime > FRESH_S:
                    mark.unlink()

    def _changed(self, path: Path, values: Any, *, durable: bool = False) -> None:
        text = json.dumps(values)
        if self.written.get(path) != text and self._write(path, values, durable=durable):
            self.written[path] = text

    def _write(
        self, path: Path, values: Mapping[str, Any] | list[Any], *, durable: bool = False
    ) -> bool:
        try:
            write(path, values, durable=durable)
        except OSError as error:
            # A full disk of the node must not end the watch over its groups.
            print(f"{path} cannot be written ({error}): free some space.", flush=True)
            return False
        return True


def main(arguments: list[str]) -> None:
    """Run until a signal ends it."""
    config, state, run = map(Path, arguments)
    monitor = Monitor(configuration.load(config), state, run)
    pause = threading.Event()
    tell_systemd("READY=1")
    due = time.monotonic()
    while True:
        monitor.one_pass(Now(mono=time.monotonic(), wall=time.time()))
        tell_systemd("WATCHDOG=1")
        due += monitor.pace_s
        late = time.monotonic() - due
        if late > 0:
            due += late  # Passes that a busy machine has missed are not made up for.
        else:
            pause.wait(-late)


if __name__ == "__main__":
    main(sys.argv[1:])
