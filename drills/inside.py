"""Watches data nodes from within: one SSH connection each over the management network, 1 Hz.

``PROGRAM`` reads /proc alone, and before everybody else on the node: a daemon that starts would
keep it from looking when it matters most. Of a hundred processes it reads the names of the new ones
only. On a node of a GTID pair it also asks the server itself, by one client that lasts, whether it
may be written to; late answers count for nothing. Each line is stamped here when it arrives; it
carries the node's boot id and its own monotonic clock, which stands still while the machine is
frozen or off, so that only samples are missed which the machine could have taken.
"""

from __future__ import annotations

import json
import shlex
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

from bootstrap.facts import drbd, proc_lvs, published
from bootstrap.facts.mysql import CLIENT
from drills.again import Again
from drills.running import LiveStack
from drills.wait import wait_until

RATE_HZ = 1.0
"""Samples per second that each node owes; the program makes one more in four, for those that are
late on a busy hypervisor."""
FIRST_S = 90
"""A node that runs gives its first sample in some seconds."""
LISTENS = """\
import socket, sys
def listens():
    # Each client that is started in vain costs an emulated machine a second, which a server that
    # starts needs itself.
    try:
        for word in sys.argv:
            if word.startswith("--socket="):
                with socket.socket(socket.AF_UNIX) as knock:
                    knock.settimeout(0.2)
                    knock.connect(word.partition("=")[2])
        return True
    except OSError:
        return False
"""
"""Python source: whether somebody listens where the client of the arguments would ask."""
PROGRAM = (
    LISTENS
    + f"SAYS = {published.PATHS!r}\n"
    + """\
import json, os, select, subprocess, sys, time
client, asked, begun = None, 0, 0.0
def writable():
    # By its answer to this very question; None: it gave none in time.
    global client, asked, begun
    try:
        if client is None or client.poll() is not None:
            if time.monotonic() - begun < 2 or not listens():
                return None
            begun, pipe, null = time.monotonic(), subprocess.PIPE, subprocess.DEVNULL
            client = subprocess.Popen(sys.argv[1:], stdin=pipe, stdout=pipe, stderr=null)
        asked += 1
        os.write(client.stdin.fileno(), b"SELECT %d, @@read_only;\\n" % asked)
        while select.select([client.stdout], [], [], 0.6)[0]:
            said = os.read(client.stdout.fileno(), 4096).split()
            if not said or said[-2:-1] == [b"%d" % asked]:
                return said[-1] == b"0" if said else None
    except OSError:
        pass
def text(path):
    try:
        with open(path, errors="replace") as file:
            return file.read()
    except OSError:
        return ""
EVERY_S, YOUNG_S, ALL_S = 0.8, 5, 10
names, read_all = {}, 0.0
def processes(now):
    # A process has its own name soon after it was made: whatever is older is read now and then.
    global names, read_all
    again, before, names = now - read_all >= ALL_S, names, {}
    read_all = now if again else read_all
    for pid in os.listdir("/proc"):
        if pid.isdigit():
            since, name = before.get(pid, (now, ""))
            if again or not name or now - since < YOUNG_S:
                name = text(f"/proc/{pid}/comm").strip()
            names[pid] = since, name
    return names
boot, due = text("/proc/sys/kernel/random/boot_id").strip(), time.monotonic()
while True:
    found = processes(time.monotonic())
    mysqld = [int(pid) for pid, (_, name) in found.items() if name == "mysqld"]
    line = {"boot": boot, "up": time.monotonic(), "now": time.time(), "mysqld": mysqld}
    if len(sys.argv) > 1:
        line["writable"] = writable() if mysqld else None
    line["services"] = text("/proc/net/ip_vs")
    line["says"] = [text(path) for path in SAYS]
    print(json.dumps({**line, "drbd": text("/proc/drbd")}), flush=True)
    due += EVERY_S
    while due <= time.monotonic():
        due += EVERY_S
    time.sleep(due - time.monotonic())
"""
)
"""Python source, run on the node; arguments: the client's command line, or none."""
ASKS = (*CLIENT.split(), "--unbuffered", "--skip-reconnect")
"""The client that asks a server of a GTID pair."""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """What one node said at one instant."""

    node: str
    """Its name."""
    at: float
    """When it arrived, by this machine's monotonic clock."""
    wall: float
    """The same instant, seconds since the epoch by this machine's clock."""
    boot: str
    """Boot id of the node."""
    up: float
    """The node's monotonic clock."""
    now: float
    """The node's wall clock."""
    roles: dict[int, str]
    """DRBD role by minor: ``Primary``, ``Secondary``; only what is configured."""
    mysqld: tuple[int, ...]
    """Process ids of mysqld."""
    writable: bool | None = None
    """Whether the server of a GTID pair may be written to; None: it was not asked, or is silent."""
    services: proc_lvs.Table = field(default_factory=dict)
    """Virtual services in its kernel's table."""
    troubled: bool = False
    """Whether its reconciler or its monitor has named a problem."""
    silent: bool = False
    """Whether it has a reconciler that says nothing."""


def sample_of(node: str, line: str, *, at: float, wall: float) -> Sample | None:
    """One line of the program; None for a line that is none."""
    try:
        said: dict[str, Any] = json.loads(line)
        states = drbd.process(said["drbd"].splitlines())
        says = said.get("says", ("", ""))
        return Sample(
            node=node,
            at=at,
            wall=wall,
            boot=str(said["boot"]),
            up=float(said["up"]),
            now=float(said["now"]),
            roles={minor: state.role for minor, state in states.items() if state.configured},
            mysqld=tuple(said["mysqld"]),
            writable=said.get("writable"),
            services=proc_lvs.parse(str(said.get("services", "")).splitlines()),
            troubled=published.names_problem(*says),
            silent="writable" in said and published.is_silent(says[0], now=said["now"]),
        )
    except (ValueError, KeyError, TypeError):
        return None


class NodeWatch:
    """Reads one node until stopped; connects again whenever the connection ends."""

    def __init__(self, stack: LiveStack, node: str) -> None:
        self.node = node
        asks = ASKS if stack.node(node).gtid is not None else ()
        program = shlex.join(
            ["chrt", "--reset-on-fork", "--fifo", "1", "python3", "-c", PROGRAM, *asks]
        )
        argv = stack.program(node, program)
        self._samples: list[Sample] = []
        self._program = Again(lambda: argv, self._take, pause_s=1.0)

    def _take(self, line: str) -> None:
        found = sample_of(self.node, line, at=time.monotonic(), wall=time.time())
        if found is not None:
            self._samples.append(found)

    def samples(self) -> list[Sample]:
        """Everything seen so far."""
        return list(self._samples)

    @property
    def last(self) -> Sample:
        """What was seen last; ``watching_nodes`` has waited for the first."""
        return self._samples[-1]

    def wait_for_more(self, count: int, *, timeout_s: float) -> None:
        """Wait for so many samples from now on."""
        wanted = len(self._samples) + count
        what = f"{count} more samples of {self.node}"
        wait_until(lambda: len(self._samples) >= wanted, what=what, timeout_s=timeout_s)

    def stop(self) -> None:
        """End the connection."""
        self._program.stop()


@contextmanager
def watching_nodes(stack: LiveStack, nodes: Iterable[str]) -> Iterator[dict[str, NodeWatch]]:
    """Watch nodes for as long as the block lasts, from their first sample on."""
    with ExitStack() as running:
        watches: dict[str, NodeWatch] = {}
        for node in nodes:
            watches[node] = NodeWatch(stack, node)
            running.callback(watches[node].stop)
        for watch in watches.values():
            watch.wait_for_more(1, timeout_s=FIRST_S)
        yield watches


def sampled(samples: Sequence[Sample]) -> float:
    """The smallest share of the samples due that were taken, over all nodes and boots.

    A machine that is off, frozen or not yet reached again owes nothing: what is due follows from
    its own clock, from the first to the last sample of one boot.
    """
    boots: dict[tuple[str, str], list[float]] = defaultdict(list)
    for sample in samples:
        boots[sample.node, sample.boot].append(sample.up)
    shares = []
    for times in boots.values():
        due = (max(times) - min(times)) * RATE_HZ
        if due >= 1:
            shares.append(len(times) / due)
    return min(min(shares, default=0.0), 1.0)


def clock_offset(samples: Iterable[Sample], node: str) -> float:
    """Seconds to add to a node's wall clock to get this machine's.

    A line cannot arrive before it was written: the smallest difference is the nearest to the truth,
    and what is left is the time that one line takes over the management network.
    """
    return min((s.wall - s.now for s in samples if s.node == node), default=0.0)
