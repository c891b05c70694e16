"""The fence endpoint: powers off one node of a pair when its peer asks for it.

One program, standard library only, the same on the embedded hypervisor and on a real one. sshd
runs it as the forced command of a node's key. What the node asks for is in SSH_ORIGINAL_COMMAND:
``off PEER`` or ``status PEER``. Everything else is refused.

It is the arbiter of the pair: requests to switch off are served one after the other, and a node
that was shot gets none granted until ``pairwise start`` clears the mark. The first one wins, and
never are both off. The mark is on disk before the machine is touched, so that a crash between the
two cannot let both be shot. It is taken back only when the power-off is proven to have failed.

The state folder holds for each pair ``PAIR.json`` (its two nodes; ``lab.fence_keys`` writes it),
``PAIR.shot.json`` (the mark) and ``PAIR.lock``; ``fence.log`` has one JSON object per request.

Exit codes: 0 done; 1 it failed or cannot be told; 2 refused, for ever; 3 refused, since the node
that asks was itself switched off.
"""

from __future__ import annotations

import fcntl
import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

LOG, OLD_LOG = "fence.log", "fence.log.1"
"""Names of the log in the state folder, and of the one before it."""
LOG_BYTES = 4 << 20
"""A log of that size becomes the old one: some 15 000 requests, of which a waiting take-over makes
one a second."""
DONE, FAILED, REFUSED, SHOT = 0, 1, 2, 3
"""Exit codes."""
ON, OFF = "on", "off"
"""What a node can be."""
OFF_STATES = frozenset({"shut off", "crashed"})
"""libvirt's words for a machine that does nothing any more. A paused one may go on: it is on."""
STATE_S = 10.0
"""virsh answers within 0.1 s; on a starved hypervisor within seconds, or its daemon hangs."""
DESTROY_S = 45.0
"""libvirt itself gives up after 40 s: 10 s until SIGKILL, then 30 s (virProcessKillPainfully)."""
LOCK_S = 90.0
"""The request before ours takes DESTROY_S and four times STATE_S at the longest."""
LOCK_POLL_S = 0.05
"""Between two tries to get the lock."""
TIMED_OUT, NO_PROGRAM = 124, 127
"""Exit codes that stand for virsh without an answer and without a program (as in a shell)."""
KILL_PENDING = "terminate process"
"""In libvirt's error when it sent SIGKILL and the process is not gone yet: it will go later."""
NO_DOMAIN = "failed to get domain"
"""In virsh's error when there is no such machine, and when the connection broke meanwhile."""
MAX_SHOWN = 80
"""Characters of a refused request that are repeated."""


class EndpointError(Exception):
    """Ends a request; the text is one sentence: what, where, what to do."""

    def __init__(self, sentence: str, *, code: int) -> None:
        super().__init__(sentence)
        self.code = code


@dataclass(frozen=True)
class Mark:
    """Says that a node was switched off and must not have its peer switched off."""

    shot: str
    """The node that was switched off."""
    by: str
    """Its peer, which asked for it."""
    at: float
    """When, in seconds since the epoch."""


@dataclass(frozen=True)
class Endpoint:
    """One node's access: the options of its forced command."""

    state: Path
    """The state folder."""
    uri: str
    """libvirt URI of this hypervisor."""
    pair: str
    """``STACK-PAIR``."""
    node: str
    """The node that the key belongs to."""

    def machines(self) -> dict[str, str]:
        """libvirt's name of each node's machine: the only ones that this access may touch.

        Raises:
            EndpointError: the pair is not known here, or the node is none of its.
        """
        try:
            nodes = json.loads((self.state / f"{self.pair}.json").read_text())["nodes"]
            machines = {str(name): str(node["machine"]) for name, node in nodes.items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise EndpointError(
                f"Pair {self.pair} is not known in {self.state}: `pairwise up` authorizes it.",
                code=REFUSED,
            ) from error
        if self.node not in machines:
            raise EndpointError(
                f"{self.node} is no node of {self.pair}: `pairwise up` renews its key.",
                code=REFUSED,
            )
        return machines

    def status(self, machine: str) -> str:
        """Whether a machine is on or off.

        Raises:
            EndpointError: the hypervisor does not tell.
        """
        done = self._virsh("domstate", machine, timeout_s=STATE_S)
        if done.returncode == 0:
            return OFF if done.stdout.strip() in OFF_STATES else ON
        if NO_DOMAIN in done.stderr:
            # The same words come with a broken connection: only the whole list proves it.
            listed = self._virsh("list", "--all", "--name", timeout_s=STATE_S)
            if listed.returncode == 0 and machine not in listed.stdout.split():
                return OFF
        raise EndpointError(
            f"The hypervisor does not tell whether {machine} is on ({_reason(done)}): "
            "see to its libvirtd, then ask again.",
            code=FAILED,
        )

    def switch_off(self, peer: str, machine: str) -> str:
        """Power a machine off, hard; returns OFF when that is proven.

        Raises:
            EndpointError: the node that asks was shot itself, or the machine may still be on.
        """
        with locked(self.state, self.pair):
            mark = read_mark(self.state, self.pair)
            if mark is not None and mark.shot == self.node:
                raise EndpointError(
                    f"{self.node} was switched off by {mark.by} at {clock(mark.at)} "
                    'and has not been started again by "pairwise start".',
                    code=SHOT,
                )
            was = self.status(machine)
            is_marked = mark is not None and mark.shot == peer
            if not is_marked:
                # Also when it is off already: it may come back, and then it is the stale one.
                _write_mark(self.state, self.pair, Mark(peer, self.node, time.time()))
            if was == ON and self._destroy_fails(machine):
                if not is_marked:
                    _remove_mark(self.state, self.pair)
                raise EndpointError(
                    f"The hypervisor refused to switch {machine} off and it runs on: "
                    "its libvirtd's log says why.",
                    code=FAILED,
                )
        return OFF

    def _destroy_fails(self, machine: str) -> bool:
        """Order the power-off; False: the machine is off; True: it never will be by this order.

        Raises:
            EndpointError: neither is proven, so the mark has to stay.
        """
        done = self._virsh("destroy", machine, timeout_s=DESTROY_S)
        if self.status(machine) == OFF:
            return False
        if done.returncode not in (0, TIMED_OUT) and KILL_PENDING not in done.stderr.lower():
            return True
        raise EndpointError(
            f"{machine} got the order to go off and is still on ({_reason(done)}): ask again.",
            code=FAILED,
        )

    def _virsh(self, *arguments: str, timeout_s: float) -> subprocess.CompletedProcess[str]:
        argv = ["virsh", "--quiet", "--connect", self.uri, *arguments]
        try:
            return subprocess.run(
                argv,
                check=False,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=timeout_s,
                env={**os.environ, "LC_ALL": "C"},  # its words are compared
            )
        except FileNotFoundError:
            return subprocess.CompletedProcess(argv, NO_PROGRAM, "", "virsh is not installed")
        except subprocess.TimeoutExpired:
            said = f"virsh gave no answer within {timeout_s:.0f} s"
            return subprocess.CompletedProcess(argv, TIMED_OUT, "", said)


def clear(state: Path, pair: str, node: str) -> bool:
    """Forget that a node was shot, right before it is started; returns whether it was marked.

    Raises:
        EndpointError: a request of the pair is being served for longer than LOCK_S.
    """
    if not state.is_dir():
        return False
    with locked(state, pair):
        mark = read_mark(state, pair)
        if mark is None or mark.shot != node:
            return False
        _remove_mark(state, pair)
        return True


def read_mark(state: Path, pair: str) -> Mark | None:
    """Who of a pair was shot; None when nobody was.

    Raises:
        EndpointError: the mark is damaged; nothing is granted until a person has looked.
    """
    path = _mark_file(state, pair)
    try:
        found = json.loads(path.read_text())
        return Mark(str(found["shot"]), str(found["by"]), float(found["at"]))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EndpointError(
            f"{path} cannot be read ({error}): see which node of {pair} is off, then remove it.",
            code=FAILED,
        ) from error


@contextmanager
def locked(state: Path, pair: str) -> Iterator[None]:
    """Hold the lock of a pair.

    Raises:
        EndpointError: somebody else holds it for longer than LOCK_S.
    """
    deadline = time.monotonic() + LOCK_S
    with (state / f"{pair}.lock").open("a") as handle:
        while True:
            with suppress(BlockingIOError):
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            if time.monotonic() > deadline:
                raise EndpointError(
                    f"Another request of {pair} is not done after {LOCK_S:.0f} s: ask again.",
                    code=FAILED,
                )
            # The wait of the package is out of reach for a program that stands alone.
            select.select([], [], [], LOCK_POLL_S)
        yield


def clock(at: float) -> str:
    """A time as people read it, in UTC: the hypervisor and its machines may differ in zone."""
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(at))


def _mark_file(state: Path, pair: str) -> Path:
    return state / f"{pair}.shot.json"


def _write_mark(state: Path, pair: str, mark: Mark) -> None:
    path = _mark_file(state, pair)
    partial = path.with_suffix(".new")
    with partial.open("w") as file:
        json.dump(asdict(mark), file)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
    _sync_folder(state)


def _remove_mark(state: Path, pair: str) -> None:
    _mark_file(state, pair).unlink(missing_ok=True)
    _sync_folder(state)


def _sync_folder(folder: Path) -> None:
    """A name is on disk only when its folder is."""
    handle = os.open(folder, os.O_RDONLY)
    os.fsync(handle)
    os.close(handle)


def _reason(done: subprocess.CompletedProcess[str]) -> str:
    """What virsh complained about, on one line."""
    said = done.stderr.replace("error: ", "").splitlines()
    return "; ".join(line.strip() for line in said if line.strip()) or "virsh gave no reason"


def read_request(command: str, *, node: str, machines: Mapping[str, str]) -> tuple[str, str]:
    """Verb and peer of a request.

    Raises:
        EndpointError: it is none that this node may make.
    """
    shown = ascii(command[:MAX_SHOWN])
    offer = "ask `off PEER` or `status PEER`"
    words = command.split(" ")
    if not command:
        sentence = f"There is no shell for {node} here: {offer}."
    elif len(words) != 2 or words[0] not in ("off", "status"):
        sentence = f"{shown} is no request that {node} may make: {offer}."
    elif words[1] == node:
        sentence = f"{node} may not ask this about itself: {offer}."
    elif words[1] not in machines:
        sentence = f"{shown} names no peer of {node}: {offer}."
    else:
        return words[0], words[1]
    raise EndpointError(sentence, code=REFUSED)


def _record(state: Path, entry: Mapping[str, object]) -> None:
    """Append to the log in one write, so that the lines of two requests never mix."""
    log = state / LOG
    handle = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        os.write(handle, f"{json.dumps(entry)}\n".encode())
        # Who waited for the lock meanwhile has the old one open, and must not move the new one.
        here = os.fstat(handle)
        if here.st_size > LOG_BYTES and log.exists() and log.stat().st_ino == here.st_ino:
            log.replace(state / OLD_LOG)
    finally:
        os.close(handle)


def main(arguments: Sequence[str], command: str) -> int:
    """Serve one request; returns the exit code."""
    at, begun = time.time(), time.monotonic()
    code, verb, peer, reason = DONE, None, None, None
    # Not by argparse, whose import takes as long as the rest of the start.
    given = dict(zip(arguments[::2], arguments[1::2], strict=False))
    try:
        values = [given.pop(option) for option in ("--uri", "--pair", "--node")]
        endpoint = Endpoint(Path(given.pop("--state")), *values)
    except KeyError as error:
        print(f"The key's command lacks {error}: `pairwise up` renews it.", file=sys.stderr)
        return REFUSED
    try:
        machines = endpoint.machines()
        verb, peer = read_request(command, node=endpoint.node, machines=machines)
        if verb == "status":
            result = endpoint.status(machines[peer])
        else:
            result = endpoint.switch_off(peer, machines[peer])
    except EndpointError as error:
        code, reason = error.code, str(error)
        result = "failed" if code == FAILED else "refused"
    except OSError as error:
        code, result = FAILED, "failed"
        reason = f"{endpoint.state} cannot be used ({error}): free or mend its disk."
    entry = {
        "time": at,
        "pair": endpoint.pair,
        "node": endpoint.node,
        "request": command[:MAX_SHOWN],
        "verb": verb,
        "peer": peer,
        "result": result,
        "reason": reason,
        "took_s": round(time.monotonic() - begun, 3),
    }
    # A full disk and a caller that has gone change nothing about what was done.
    with suppress(OSError):
        _record(endpoint.state, entry)
    with suppress(OSError):
        print(reason or result, file=sys.stderr if reason else sys.stdout, flush=True)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ.get("SSH_ORIGINAL_COMMAND", "")))
