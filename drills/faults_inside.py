"""What may happen within a node: a service that stops, dies or will not start, a disk that is full
or gone, a request that gets lost, a clock that jumps, a card that delays. Context managers, too,
and ``remnants`` removes what one that was killed has left.

Nothing here outlives a reboot but a file system that is full, the folder of the lost request and a
keepalived that asks nobody: the rest is a mount, a file below /run or a server's variable.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from bootstrap.facts.mysql import CLIENT
from drills.faults_gtid import asked_again, patient_again, semisync
from drills.running import LiveStack
from stacks.plan_data_types import ServiceGroup
from stacks.plan_gtid_types import SEMISYNC_MS

FILLER = "pairwise-drill-filler"
"""File that fills a file system."""
UNITS = "/run/systemd/system"
"""Where systemd reads what holds until the next boot (systemd.unit(5))."""
DROP_IN = "pairwise-drill.conf"
"""Name of a drop-in of ours."""
DIES = "[Service]\nRestart=no\nRuntimeMaxSec=1\nKillSignal=SIGKILL"
"""Drop-in of a unit that starts well and dies a second later, as after a bug in what it reads."""
REFUSES = "[Unit]\nAssertPathExists=/run/pairwise-drill/never"
"""Drop-in of a unit whose every start fails at once."""
NGINX = "nginx.service"
PHP = "php8.4-fpm.service"
"""What serves pages; a machine may have lost either of the two."""
HEALS = "/run/pairwise-drill-heals"
"""Folder of shell texts: what puts right that a unit was stopped or a disk detached."""
CLOCK = "/run/pairwise-drill-clock"
"""By how many seconds a node's clock was set forward."""
MANAGER = "/usr/local/lib/pairwise/groups"
"""Block heartbeat's own: Heartbeat takes every group and gives it up through this, whether it was
asked to or its peer has died."""
HOLD = "pairwise-drill-hold.service"
"""Transient unit of a session that holds a lock."""
FOLDER = "/var/lib/pairwise-drill"
"""Holds what stands in its place."""
LOST_REQUEST = """\
    # A drill's: the first take-over of one group gets lost, the next one ends this.
    case " $* " in *" {key} "*)
        if rm {folder}/lose 2>/dev/null; then
            echo "lost $(date +%s.%N)" >>{folder}/requests
            return 0
        fi
        echo "passed $(date +%s.%N)" >>{folder}/requests
        umount -l {manager} ;;
    esac
"""
"""Begins the function through which a group is taken, in a copy that stands in the real text's
place by a bind mount."""
TAKES = "take() {"
"""How that function begins."""


@contextmanager
def service_stopped(stack: LiveStack, node: str, unit: str) -> Iterator[None]:
    """Stop a unit by hand; it is started again at the end where it does not run."""
    heal = f"systemctl is-active --quiet {unit} || systemctl start {unit}"
    stack.exec(node, f"{_note(unit, heal)} && systemctl stop {unit}")
    try:
        yield
    finally:
        stack.exec(node, f"rm -f {HEALS}/{unit}; {heal}")


def _note(name: str, heal: str) -> str:
    """Shell text that notes what heals a fault, for a drill that finds it there."""
    return f"mkdir -p {HEALS} && echo {shlex.quote(heal)} >{HEALS}/{name}"


def _noted() -> str:
    return f'for heal in {HEALS}/*; do [ ! -e "$heal" ] || {{ sh "$heal"; rm "$heal"; }}; done'


def killed(stack: LiveStack, node: str, process: str) -> None:
    """Kill every process of a name (comm) at once, by SIGKILL. Whoever owns it starts it again."""
    stack.exec(node, f"pkill -KILL -x {shlex.quote(process)}")


@contextmanager
def unit_broken(stack: LiveStack, nodes: Iterable[str], unit: str, how: str) -> Iterator[None]:
    """Have a unit fail on nodes until the end: ``DIES`` or ``REFUSES``. One that runs goes on."""
    path = f"{UNITS}/{unit}.d/{DROP_IN}"
    places = tuple(nodes)
    write = f"mkdir -p {UNITS}/{unit}.d && printf '%s\\n' {shlex.quote(how)} >{path}"
    try:
        for node in places:
            stack.exec(node, f"{write} && systemctl daemon-reload")
        yield
    finally:
        for node in places:
            # Who has handed it over keeps it as failed, and ``status`` would go on about it.
            mend = f"rm -f {path}; systemctl daemon-reload; systemctl reset-failed {unit}"
            stack.exec(node, mend, check=False)


@contextmanager
def request_lost(stack: LiveStack, node: str, group: ServiceGroup) -> Iterator[None]:
    """Have the next take-over of a group by a node get lost within Heartbeat, and that one alone.

    Heartbeat is told that it was done, as when two of its programs write into its FIFO at once and
    a message is garbled: it believes that it has the group.
    """
    # Heartbeat calls a group by the first resource of its line in haresources.
    text = LOST_REQUEST.format(key=group.key, folder=FOLDER, manager=MANAGER)
    steps = (
        f"mkdir -p {FOLDER}",
        f"printf %s {shlex.quote(text)} >{FOLDER}/lines",
        f"sed '/^{TAKES}/r {FOLDER}/lines' {MANAGER} >{FOLDER}/hook",
        f"touch {FOLDER}/lose",
        f"mount --bind {FOLDER}/hook {MANAGER}",
    )
    try:
        stack.exec(node, f"{_without_hook()}; {' && '.join(steps)}")
        yield
    finally:
        stack.exec(node, _without_hook(), check=False)


def requests_seen(stack: LiveStack, node: str) -> dict[str, float]:
    """When the request got ``lost`` and when the next one ``passed``, by the node's clock."""
    lines = stack.exec(node, f"cat {FOLDER}/requests", check=False).splitlines()
    found: dict[str, float] = {}
    for words in (line.split() for line in lines):
        if len(words) == 2:
            found.setdefault(words[0], float(words[1]))
    return found


def _without_hook() -> str:
    # Lazily: a shell that runs the hook has it open.
    mounted = f"grep -q ' {MANAGER} ' /proc/self/mounts"
    return f"while {mounted}; do umount -l {MANAGER} || break; done; rm -rf {FOLDER}"


@contextmanager
def filled(stack: LiveStack, node: str, folder: str) -> Iterator[None]:
    """Leave no free block on the file system that holds a folder."""
    path = shlex.quote(f"{folder}/{FILLER}")
    # fallocate takes what is free in large pieces, dd the rest; both end with "no space left".
    fill = (
        f"free=$(df --output=avail -B1 {shlex.quote(folder)} | tail -1);"
        f" fallocate -l $free {path}; dd if=/dev/zero bs=4k of={path} oflag=append conv=notrunc;"
        " sync -f " + path
    )
    stack.exec(node, f"{fill} 2>/dev/null || true")
    try:
        yield
    finally:
        stack.exec(node, f"rm -f {path}", check=False)


@contextmanager
def disk_detached(stack: LiveStack, node: str, resource: str) -> Iterator[None]:
    """Take a node's backing disk from under DRBD, which goes on with the peer's.

    By ``drbdadm detach`` on the running Primary: the kernel then does what ``on-io-error detach``
    does after an error. The image's kernel has no device that fails on command below DRBD (dm-error
    would have to be there before the resource is attached).
    """
    heal, name = f"drbdadm attach {resource}", f"disk-{resource}"
    stack.exec(node, f"{_note(name, heal)} && drbdadm detach {resource}")
    try:
        yield
    finally:
        stack.exec(node, f"rm -f {HEALS}/{name}; {heal}", check=False)


@contextmanager
def applier_held(stack: LiveStack, node: str, *, client: str = CLIENT) -> Iterator[None]:
    """Have a replica's applier wait for a lock, while its receiver goes on: a real lag.

    The lock goes with its session: the server sees at once that an idle one has lost its client.
    """
    asks = f"(echo 'FLUSH TABLES WITH READ LOCK;'; exec sleep 3600) | {client} --unbuffered"
    run = f"systemd-run --quiet --collect --unit={HOLD} sh -c {shlex.quote(asks)}"
    stack.exec(node, run)
    try:
        yield
    finally:
        stack.exec(node, f"systemctl stop {HOLD}", check=False)


@contextmanager
def slowed(
    stack: LiveStack, nodes: Iterable[str], network: str, *, delay_ms: int, loss_percent: float
) -> Iterator[None]:
    """Have nodes' cards in a network delay what they send, by up to a fifth more or less, and lose
    a part of it (tc-netem(8)). Within them, for not every hypervisor's kernel knows how."""
    told = f"delay {delay_ms}ms {delay_ms // 5}ms loss {loss_percent:g}%"
    slow = tuple(nodes)
    try:
        for node in slow:
            stack.exec(node, f"tc qdisc replace dev {network} root netem {told}")
        yield
    finally:
        for node in slow:
            stack.exec(node, _fast_again(), check=False)


def _fast_again() -> str:
    cards = "tc qdisc show | sed -n 's/^qdisc netem .* dev \\([^ ]*\\) root.*/\\1/p'"
    return f"for card in $({cards}); do tc qdisc delete dev $card root; done"


@contextmanager
def clock_stepped(stack: LiveStack, node: str, *, seconds: int) -> Iterator[None]:
    """Set a node's clock forward, with nothing that sets it right, and back at the end."""
    step = f"systemctl stop chrony && echo {seconds} >{CLOCK} && date -s '{seconds} seconds'"
    try:
        stack.exec(node, f"{step} >/dev/null")
        yield
    finally:
        stack.exec(node, _clock_back(), check=False)


def _clock_back() -> str:
    back = f'date -s "-$(cat {CLOCK}) seconds" >/dev/null; rm {CLOCK}; systemctl start chrony'
    return f"if [ -e {CLOCK} ]; then {back}; fi"


def remnants(groups: Iterable[ServiceGroup], *, is_gtid: bool) -> str:
    """Shell text that removes from a node what any of these has left there.

    Args:
        groups: of a node under Heartbeat, else none. is_gtid: whether its server is one of a GTID
        pair.
    """
    drop_ins = f"{UNITS}/*.d/{DROP_IN}"
    disks = [group.disk for group in groups if group.disk is not None]
    fillers = " ".join(shlex.quote(f"{disk.mount_point}/{FILLER}") for disk in disks)
    waits = f"{semisync(SEMISYNC_MS)} || true;" if is_gtid else ""
    return (
        f"{_without_hook()}; {asked_again()}; {patient_again()}; {_clock_back()};"
        f" {_noted()};"
        f" {_fast_again()}; {waits} rm -f {fillers};"
        f" systemctl -q stop {HOLD} 2>/dev/null || true;"
        f" if ls {drop_ins} >/dev/null 2>&1; then"
        f" rm -f {drop_ins}; systemctl daemon-reload; systemctl reset-failed; fi"
    )
