"""Does what was decided: starts programs, waits for none of them, and says how they ended.

Heartbeat is looked at once more right before each of them, and the VIP before a daemon is started:
a release that has begun since the last look is not met half-way. ``--job-mode=fail`` keeps a stop
that Heartbeat has queued from being turned into a start (systemctl(1)).
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from bootstrap.blocks.monitor.program import observe
from bootstrap.blocks.monitor.program.actions import (
    Action,
    KillAndStart,
    Note,
    Request,
    Restart,
    Standby,
    Start,
    Takeover,
    Tell,
)
from bootstrap.blocks.monitor.program.config import HEARTBEAT, Config
from bootstrap.blocks.monitor.program.seen import Ended

TOOLS = Path("/usr/share/heartbeat")
"""Heartbeat's hb_standby and hb_takeover."""
FUNCTIONS = Path("/etc/ha.d/shellfuncs")
"""Heartbeat's ha_clustermsg."""
START_S = 600.0
"""A database that recovers after a power cut may take minutes."""
ASK_S = 20.0
"""Asking Heartbeat is writing into its FIFO."""
KILLED_S = 1.0
"""What a killed process may take to end, within one pass."""
TOOK_TOO_LONG = 124
"""As timeout(1) ends."""

GUARD = f"systemctl is-active --quiet {HEARTBEAT} || exit 0; "
START = 'systemctl reset-failed "$1" 2>/dev/null; exec systemctl start --job-mode=fail "$1"'
RESTART = 'exec systemctl restart --job-mode=fail "$1"'
KILL = 'systemctl kill --signal=KILL "$1"; '
# The message by which Heartbeat takes its own groups (req_resource): the one that got lost.
REQUEST = (
    'HA_DIR=${3%/*}; . "$3"; '
    'printf "t=ip-request-resp\\ndest=%s\\nipaddr=%s\\nweown=yes\\nok=OK\\n" "$2" "$1"'
    " | ha_clustermsg"
)
# A whole file or the old one; and on both disks, for it is read after this node has died.
NOTE = 'umask 077; cat >"$1.new" && mv "$1.new" "$1" && exec sync "$1"'


class Runner:
    """The programs that were started and have not ended."""

    def __init__(
        self,
        config: Config,
        *,
        proc: Path = Path("/proc"),
        tools: Path = TOOLS,
        functions: Path = FUNCTIONS,
    ) -> None:
        self.config = config
        self.proc = proc
        self.tools = tools
        self.functions = functions
        self.children: dict[str, tuple[subprocess.Popen[bytes], float]] = {}
        self.messengers: list[subprocess.Popen[bytes]] = []

    @property
    def running(self) -> frozenset[str]:
        """Keys of the actions that have not ended."""
        return frozenset(self.children)

    def do(self, action: Action, mono: float) -> None:
        """Begin one action; one with the same key that still runs stands for it."""
        if isinstance(action, Tell):
            self._tell(action)
            return
        if action.key in self.children or not self._holds(action):
            return
        print(f"does: {action}", flush=True)
        argv = self._argv(action)
        limit = START_S if isinstance(action, Start) else ASK_S
        # In memory: a full disk must not end the watch.
        with os.fdopen(os.memfd_create("given"), "w+b") as given:
            given.write(action.text.encode() if isinstance(action, Note) else b"")
            given.seek(0)
            child = subprocess.Popen(argv, stdin=given, stdout=subprocess.DEVNULL)
        self.children[action.key] = (child, mono + limit)

    def collect(self, mono: float) -> tuple[Ended, ...]:
        """Those that have ended; one that takes too long is ended here."""
        found = []
        for key, (child, limit) in list(self.children.items()):
            code = child.poll()
            if code is None and mono >= limit:
                child.kill()
                # One that writes to a frozen disk ends when that thaws; the watch goes on.
                with suppress(subprocess.TimeoutExpired):
                    child.wait(KILLED_S)
                    code = TOOK_TOO_LONG
            if code is not None:
                del self.children[key]
                found.append(Ended(key=key, code=code))
                print(f"ended: {key} with {code}", flush=True)
        self.messengers = [child for child in self.messengers if child.poll() is None]
        return tuple(found)

    def _holds(self, action: Action) -> bool:
        if not isinstance(action, Start):
            return True
        try:
            lines = (self.proc / "net/fib_trie").read_text(encoding="ascii").splitlines()
        except OSError:
            return False
        return action.vip in observe.addresses(lines)

    def _argv(self, action: Action) -> list[str]:
        if isinstance(action, Request):
            return _shell(REQUEST, action.group_key, action.node, str(self.functions))
        if isinstance(action, Note):
            return _shell(NOTE, action.path)
        if isinstance(action, Standby | Takeover):
            name = "hb_standby" if isinstance(action, Standby) else "hb_takeover"
            return _shell('exec "$2" "$1"', action.side, str(self.tools / name))
        assert isinstance(action, Start)
        if isinstance(action, KillAndStart):
            return _shell(KILL + START, action.unit)
        return _shell(RESTART if isinstance(action, Restart) else START, action.unit)

    def _tell(self, action: Tell) -> None:
        print(f"says: {action.text}", flush=True)
        if not self.config.notify or len(self.messengers) > 20:
            return
        program, user, kind = self.config.notify
        if not os.access(program, os.X_OK):
            return
        argv = [program, kind, self.config.pair, self.config.node, action.vip, action.state]
        # As the user who delivers: a message that root has written could not be read.
        as_user: dict[str, Any] = {"user": user, "group": user} if os.geteuid() == 0 else {}
        with suppress(OSError, LookupError):
            self.messengers.append(
                subprocess.Popen([*argv, action.text], stdin=subprocess.DEVNULL, **as_user)
            )


def _shell(text: str, *arguments: str) -> list[str]:
    return ["/bin/sh", "-c", GUARD + text, "pairwise-monitor", *arguments]


def write(path: Path, values: Mapping[str, Any] | list[Any], *, durable: bool = False) -> None:
    """Replace a file as a whole: who reads it sees the old text or the new one."""
    new = path.with_name(f".{path.name}.new")
    with new.open("w", encoding="utf-8") as file:
        json.dump(values, file, indent=1)
        file.write("\n")
        if durable:
            file.flush()
            os.fsync(file.fileno())
    new.replace(path)
