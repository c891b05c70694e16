"""One look at the node: a few reads below /proc, one process for systemd, two for Heartbeat.

The parsers are pure. What cannot be read is empty: nothing is held, nothing runs, and the monitor
does nothing.
"""

from __future__ import annotations

import os
import select
import socket
import subprocess
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from bootstrap.blocks.monitor.program.config import HEARTBEAT, Config, Group
from bootstrap.blocks.monitor.program.connections import established
from bootstrap.blocks.monitor.program.memory import Memory
from bootstrap.blocks.monitor.program.seen import (
    Ended,
    Holding,
    MountSeen,
    Now,
    Observation,
    UnitSeen,
)
from bootstrap.facts import drbd

PROPERTIES = "ActiveState,SubState,NRestarts,Job"
ANSWER_S = 5.0
"""What one process may take; under emulation on a busy host a tenth of that is usual."""
GREETING_EVERY_S = 5.0
"""How often a daemon is asked for its greeting."""
GREETING_S = 3.0
"""How long it may take."""
SPACE_EVERY_S = 10.0
"""How often free space is read."""
CONNECTIONS_EVERY_S = 3.0
"""How often clients' connections are read: what is noted is at most two looks old."""
BUSY_EVERY_S = 2.0
"""How often systemd is asked on a node that holds something of which not all runs: one process, and
systemd's own work for it, which under emulation is a tenth of the node's processor."""
IDLE_EVERY_S = 5.0
"""The same on a node that holds nothing."""
SAME_EVERY_S = 20.0
"""The same while all runs and no unit has got or lost a process since: the kernel says that at the
price of reading a file."""
CGROUPS = Path("/sys/fs/cgroup/system.slice")
"""Where the kernel lists the processes of each unit (cgroups(7), ``cgroup.procs``)."""


def addresses(lines: Iterable[str]) -> frozenset[str]:
    """The node's own addresses, from /proc/net/fib_trie: no process, no netlink."""
    found: set[str] = set()
    last = ""
    for line in lines:
        text = line.strip()
        if text.startswith("|-- "):
            last = text[4:]
        elif text.startswith("/32 host LOCAL"):
            found.add(last)
    return frozenset(found)


def mounts(lines: Iterable[str], groups: Iterable[Group]) -> dict[str, bool]:
    """Mount point -> whether it is read-only, for the groups' own devices alone."""
    wanted = {(f"/dev/drbd{group.minor}", group.mount_point) for group in groups if group.resource}
    found = {}
    for line in lines:
        device, point, _, options, *_ = line.split(" ")
        if (device, point) in wanted:
            found[point] = "ro" in options.split(",")
    return found


def units(text: str, names: Sequence[str]) -> dict[str, UnitSeen]:
    """Records of ``systemctl show``, parted by blank lines, in the order asked."""
    found = {}
    for name, record in zip(names, text.strip().split("\n\n"), strict=False):
        values = dict(line.partition("=")[::2] for line in record.splitlines())
        if "ActiveState" in values:
            found[name] = UnitSeen(
                active=values["ActiveState"],
                sub=values.get("SubState", ""),
                restarts=int(values.get("NRestarts") or 0),
                job=values.get("Job", "") not in ("", "0"),
            )
    return found


def _is_settled(unit: UnitSeen | None, *, must_run: bool) -> bool:
    """Whether a unit is as it has to be, and nothing is queued for it."""
    if unit is None or unit.job or unit.restarting:
        return False
    return unit.active == "active" or (unit.active == "inactive" and not must_run)


class Greeter:
    """Asks a daemon for the greeting that MySQL's protocol begins with.

    As good as ``mysqladmin ping`` and without a process: a connection and one byte. It waits for
    nothing; an answer is there in a later pass.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.asked = float("-inf")
        self.open: socket.socket | None = None

    def poll(self, mono: float) -> bool | None:
        """Whether it greeted; none: no new answer."""
        if self.open is None:
            if mono - self.asked < GREETING_EVERY_S:
                return None
            self.asked = mono
            self.open = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self.open.setblocking(False)
            try:
                self.open.connect(self.path)
            except OSError:
                return self._end(answer=False)
        if select.select([self.open], [], [], 0)[0]:
            try:
                return self._end(answer=bool(self.open.recv(1)))
            except OSError:
                return self._end(answer=False)
        return self._end(answer=False) if mono - self.asked > GREETING_S else None

    def _end(self, *, answer: bool) -> bool:
        self.forget()
        return answer

    def forget(self) -> None:
        """Ask no more."""
        if self.open is not None:
            self.open.close()
            self.open = None


class Observer:
    """Looks at the node; remembers only what need not be read each second."""

    def __init__(
        self, config: Config, *, proc: Path = Path("/proc"), cgroups: Path = CGROUPS
    ) -> None:
        self.config = config
        self.proc = proc
        self.cgroups = cgroups
        self.names = (HEARTBEAT, *dict.fromkeys(u for g in config.groups for u in g.watched))
        self.greeters = {g.socket: Greeter(g.socket) for g in config.groups if g.socket}
        self.space: dict[str, tuple[float, float]] = {}
        self.units: dict[str, UnitSeen] = {}
        self.units_at = float("-inf")
        self.processes: tuple[str, ...] = ()
        self.ping = ""
        self.connections_at = float("-inf")

    def look(
        self, memory: Memory, now: Now, *, running: frozenset[str], ended: tuple[Ended, ...]
    ) -> Observation:
        """One observation."""
        config = self.config
        found = Observation(
            heartbeat="unknown",
            drbd=drbd.process(self._lines("drbd")),
            mounts=self._mounts(now),
            addresses=addresses(self._lines("net/fib_trie")),
        )
        processes = self._processes()
        changed = processes != self.processes
        if memory.ask or running or changed or now.mono - self.units_at >= self._every_s(found):
            text = _answer("systemctl", "show", "-p", PROPERTIES, "--", *self.names)
            self.units, self.units_at = units(text or "", self.names), now.mono
            # From before the question: what changed since is seen in the next pass.
            self.processes = processes
        heartbeat = self.units.get(HEARTBEAT, UnitSeen(active="unknown"))
        # A queued stop counts: from then on Heartbeat is not to be met half-way.
        active = "deactivating" if heartbeat.job else heartbeat.active
        asked = memory.ask and active == "active"
        if asked or active != "active":
            self.ping = _answer("cl_status", "nodestatus", config.ping) or "" if asked else ""
        return Observation(
            heartbeat=active,
            drbd=found.drbd,
            mounts=found.mounts,
            addresses=found.addresses,
            units=self.units,
            threads=self._threads(),
            connections=self._connections(found, now),
            greeted=self._greeted(found, now),
            rscstatus=_answer("cl_status", "rscstatus") if asked else None,
            peer=_answer("cl_status", "nodestatus", config.peer) if asked else None,
            ping=self.ping,
            peer_off=Path(config.peer_off).exists(),
            fence_waiting=_first_line(Path(config.fence_waiting)),
            running=running,
            ended=ended,
        )

    def _every_s(self, found: Observation) -> float:
        """How old an answer of systemd may be."""
        holding = {group: found.holding(group) for group in self.config.groups}
        must_run = {u for g, how in holding.items() if how is Holding.HELD for u in g.watched}
        settled = Holding.PARTLY not in holding.values() and all(
            _is_settled(self.units.get(name), must_run=name in must_run) for name in self.names
        )
        if settled:
            return SAME_EVERY_S
        idle = all(how is Holding.ABSENT for how in holding.values())
        return IDLE_EVERY_S if idle else BUSY_EVERY_S

    def _processes(self) -> tuple[str, ...]:
        """The processes of each unit, and the kernel's NFS threads, which are in none."""
        found = []
        of_units = (self.cgroups / name / "cgroup.procs" for name in self.names)
        for path in (*of_units, self.proc / "fs/nfsd/threads"):
            try:
                found.append(path.read_text(encoding="ascii"))
            except OSError:
                found.append("")
        return tuple(found)

    def _lines(self, name: str) -> list[str]:
        try:
            return (self.proc / name).read_text(encoding="ascii", errors="replace").splitlines()
        except OSError:
            return []

    def _mounts(self, now: Now) -> dict[str, MountSeen]:
        found = {}
        for point, read_only in mounts(self._lines("self/mounts"), self.config.groups).items():
            at, free = self.space.get(point, (float("-inf"), 100.0))
            if now.mono - at >= SPACE_EVERY_S:
                with suppress(OSError):
                    whole = os.statvfs(point)
                    free = 100.0 * whole.f_bavail / max(1, whole.f_blocks)
                self.space[point] = (now.mono, free)
            found[point] = MountSeen(read_only=read_only, free_percent=round(free, 1))
        return found

    def _threads(self) -> int | None:
        found = " ".join(self._lines("fs/nfsd/threads")).strip()
        return int(found) if found.isdigit() else None

    def _connections(self, found: Observation, now: Now) -> dict[str, frozenset[str]]:
        vips = frozenset(g.vip for g in self.config.groups if found.holding(g) is Holding.HELD)
        if not vips or now.mono - self.connections_at < CONNECTIONS_EVERY_S:
            return {}
        self.connections_at = now.mono
        return established(self._lines("net/tcp"), vips)

    def _greeted(self, found: Observation, now: Now) -> dict[str, bool]:
        answers = {}
        for group in self.config.groups:
            greeter = self.greeters.get(group.socket)
            if greeter is None:
                continue
            unit = self.units.get(group.units[-1], UnitSeen())
            if found.holding(group) is not Holding.HELD or unit.active != "active":
                greeter.forget()
            elif (answer := greeter.poll(now.mono)) is not None:
                answers[group.socket] = answer
        return answers


def _answer(*argv: str) -> str | None:
    """What a program prints; none when it does not answer."""
    try:
        done = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=ANSWER_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None


def _first_line(path: Path) -> str:
    try:
        return " ".join(path.read_text(encoding="utf-8", errors="replace").split())[:300]
    except OSError:
        return ""
