"""The reconciler of a GTID pair's node: one look, one decision, one step, each second.

Usage: python3 -m bootstrap.blocks.gtid_pair.program CONFIG STATE_FOLDER RUN_FOLDER
After a step it looks again at once. It may be killed at any time: what must be known of a step
is on the disk before it. Standard library only, the machine's own Python.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from itertools import pairwise
from pathlib import Path

from bootstrap.blocks.gtid_pair.program import config as configuration
from bootstrap.blocks.gtid_pair.program.apply import apply
from bootstrap.blocks.gtid_pair.program.echo import Echo
from bootstrap.blocks.gtid_pair.program.holding import holding
from bootstrap.blocks.gtid_pair.program.keep import Keeper
from bootstrap.blocks.gtid_pair.program.look import ASK_S, BRIEF_S, SILENT_S, look
from bootstrap.blocks.gtid_pair.program.publish import Publisher
from bootstrap.blocks.gtid_pair.program.reconcile import Decision, decide
from bootstrap.blocks.gtid_pair.program.remember import after
from bootstrap.blocks.gtid_pair.program.report import Lag, report, source_of
from bootstrap.blocks.gtid_pair.program.seen import Fence, Observation, Server
from bootstrap.blocks.gtid_pair.program.step import Errant, Settings, Step
from bootstrap.shared.mysql_client import (
    Connection,
    SqlError,
    is_closed,
    is_refused,
)
from bootstrap.shared.replacing import replace

PASS_S = 1.0
"""From the beginning of one look to that of the next."""
WORD_S = 900.0
"""As long as block fencing takes a person's word."""
OFF_S = 30.0
"""As long as block monitor leaves the mark that the peer is off."""
STEPS_AT_ONCE = 8
"""Looks that follow each other without a pause: no transition has more steps."""


class Reconciler:
    """The loop's parts."""

    def __init__(self, config: configuration.Config, state: Path, run: Path) -> None:
        self.config = config
        self.settings = Settings(
            first=config.first,
            silence_s=config.silence_s,
            restart_s=config.restart_s,
            errant=Errant(config.errant),
        )
        there = (config.addresses[config.peer], config.port)
        self.own = Connection(
            config.own_client, partial(is_closed, socket.AF_UNIX, config.own_socket)
        )
        self.peer = Connection(config.peer_client, partial(is_closed, socket.AF_INET, there))
        self.echo = Echo(config.addresses[config.peer])
        self.keeper = Keeper(boot=run / "gtid-memory.json", disk=state / "gtid.json")
        self.memory = self.keeper.load()
        self.epochs = state / "gtid-epoch.json"
        self.torn = state / "gtid-copies"
        self.source, self.epoch = self._known_epoch()
        self.fence: subprocess.Popen[bytes] | None = None
        self.asked_of_a_silent_peer = False
        self.lag = Lag()
        self.said: dict[str, str] = {}
        self.publisher = Publisher(
            document=Path(config.publish), holds=Path(config.holds), alive=Path(config.alive)
        )

    def one_pass(self, *, again: bool) -> Step:
        """Look, decide, keep, do, say; returns the step that was done.

        Args:
            again: whether it follows a step at once.
        """
        # Of its beginning: what gives no answer was silent by then.
        now = time.monotonic()
        seen = self._look(again=again)
        if seen.peer is not None:
            self._unsay(silent_before=self.memory.silent_since is not None)
        decision = decide(self.settings, self.memory, seen, now)
        self.memory = decision.memory
        self.keeper.save(self.memory)
        self._publish(decision, seen, now)
        self._say("step", f"{decision.step}: {decision.why}")
        if not self._do(decision.step, seen):
            return Step.NOTHING
        self.memory = after(self.memory, decision.step, seen)
        self.keeper.save(self.memory)
        return decision.step

    def _look(self, *, again: bool) -> Observation:
        # The own server first: the peer's answer is never older than its own.
        own = self._server(self.own, "own", self.config.addresses[self.config.peer])
        silent = self.memory.silent_since is not None
        limit = (BRIEF_S if again else SILENT_S) if silent else ASK_S
        self.echo.ask()
        peer = self._server(
            self.peer, "peer", self.config.addresses[self.config.node], timeout_s=limit
        )
        heard = self.echo.answered() or is_refused(self.said.get("peer", ""))
        marks = self.config.marks
        return Observation(
            own=own,
            peer=peer,
            vip=has_address(self.config.vip),
            fence=self._fence(),
            refused=peer is None and heard,
            activated=self._activated(peer),
            rebuild=Path(marks["rebuild"]).exists(),
            torn=self.torn.exists(),
            standby=time.time() - _written_s(marks["standby"]) < self.config.standby_s,
            leaving=Path(marks["leaving"]).exists(),
        )

    def _server(
        self, connection: Connection, whose: str, other: str, *, timeout_s: float = ASK_S
    ) -> Server | None:
        try:
            found = look(connection, other=other, timeout_s=timeout_s)
        except (SqlError, KeyError, ValueError) as error:
            self._say(whose, f"no answer of the {whose} server: {error}")
            return None
        self._say(whose, f"the {whose} server answers")
        return found

    def _activated(self, peer: Server | None) -> bool:
        """Whether a person's word counts: it is fresh, was not acted on yet, and the peer does not
        contradict it."""
        said_s, acted_s = (_written_s(self.config.marks[name]) for name in ("activated", "acted"))
        return peer is None and said_s > acted_s and time.time() - said_s < WORD_S

    def _unsay(self, *, silent_before: bool) -> None:
        """The peer answers: nobody's word that it is off holds any more.

        While one did, ``fence`` would grant without powering off, in the next partition too. Why a
        take-over waits is taken back once: another one than this may wait as well. A request that
        was made because the peer was silent, and still hesitates, is called off.
        """
        if self.fence is not None and self.asked_of_a_silent_peer:
            with suppress(ProcessLookupError):
                os.killpg(self.fence.pid, signal.SIGKILL)
            self.fence.wait()
            self.fence = None
        marks = self.config.marks
        gone = [marks["activated"], marks["confirmed"]]
        gone += [marks["waiting"]] if silent_before else []
        # Not one that was written while this answer was on its way.
        gone += [marks["peer_off"]] if time.time() - _written_s(marks["peer_off"]) > OFF_S else []
        for path in gone:
            Path(path).unlink(missing_ok=True)

    def _fence(self) -> Fence:
        """How the request stands; an answer is used once."""
        if self.fence is None:
            return Fence.IDLE
        code = self.fence.poll()
        if code is None:
            return Fence.ASKING
        self.fence = None
        return Fence.GRANTED if code == 0 else Fence.REFUSED

    def _do(self, step: Step, seen: Observation) -> bool:
        if step in (Step.NOTHING, Step.LEAVE):
            return True
        if step in (Step.ASK, Step.PROBE):
            if self.fence is None:
                command = self.config.fence if step is Step.ASK else self.config.probe
                self.fence = subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, start_new_session=True
                )
                self.asked_of_a_silent_peer = seen.peer is None
            return True
        if step is Step.OPEN:
            self._unask()
        if step is Step.CLONE:
            # What goes wrong now is seen in no set: transactions stay while tables go.
            replace(self.torn, "", durable=True)
        try:
            with self._goes_on_saying():
                apply(self.config, self.own, step, seen)
        except (SqlError, OSError, subprocess.SubprocessError) as error:
            self._say("step", f"{step} was not done: {error}")
            return False
        if step is Step.CLONE:
            self._unask()
            self.torn.unlink(missing_ok=True)
        if step is Step.GO_ALONE and seen.activated:
            # What happens to the peer later is another matter. The word itself stays: Heartbeat,
            # where there is one, has not asked for it yet.
            Path(self.config.marks["acted"]).touch()
        return True

    def _unask(self) -> None:
        """Nobody wants a copy any more: there is one, or others will be made of these data."""
        Path(self.config.marks["rebuild"]).unlink(missing_ok=True)

    def _publish(self, decision: Decision, seen: Observation, now: float) -> None:
        source = source_of(self.config, seen)
        if source is not None and source != self.source:
            self.source, self.epoch = source, max(self.epoch + 1, int(time.time()))
            replace(self.epochs, json.dumps([self.source, self.epoch]), durable=True)
        found = report(
            self.config,
            decision,
            seen,
            wall=time.time(),
            lag_s=self.lag.seconds(seen, now),
            epoch=self.epoch,
            held_for=holding(self.settings, decision.memory, seen, now)[1],
        )
        self.publisher.say(found)

    @contextmanager
    def _goes_on_saying(self) -> Iterator[None]:
        """A step may take long, as a copy does; what was said before it holds until it is done."""
        done = threading.Event()

        def say() -> None:
            while not done.wait(PASS_S):
                self.publisher.again()

        thread = threading.Thread(target=say)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()

    def _known_epoch(self) -> tuple[str, int]:
        try:
            source, epoch = json.loads(self.epochs.read_text(encoding="utf-8"))
            return str(source), int(epoch)
        except (OSError, ValueError, TypeError):
            return "", 0

    def _say(self, about: str, text: str) -> None:
        """To the journal, when it changes."""
        if self.said.get(about) != text:
            print(text, flush=True)
            self.said[about] = text


def _written_s(path: str) -> float:
    """When a file was written, Unix seconds; 0 where there is none."""
    try:
        return Path(path).stat().st_mtime
    except OSError:
        return 0.0


def has_address(address: str) -> bool:
    """Whether this machine has an address: a leaf of the kernel's table and its kind (proc(5))."""
    lines = Path("/proc/net/fib_trie").read_text(encoding="ascii").splitlines()
    return any(
        line.strip() == f"|-- {address}" and "host LOCAL" in below
        for line, below in pairwise(lines)
    )


def main(arguments: list[str]) -> None:
    """Run until a signal ends it, or until it has left its peer to itself."""
    config, state, run = map(Path, arguments)
    reconciler = Reconciler(configuration.load(config), state, run)
    pause = threading.Event()
    while True:
        begun = time.monotonic()
        for turn in range(STEPS_AT_ONCE):
            step = reconciler.one_pass(again=turn > 0)
            if step is Step.LEAVE:
                return
            if step in (Step.NOTHING, Step.ASK, Step.PROBE):
                break
        pause.wait(max(0.05, PASS_S - (time.monotonic() - begun)))


if __name__ == "__main__":
    main(sys.argv[1:])
