"""Start observers inside a lab's namespace, at nice 10, and judge what they saw."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from drills.wait import wait_until

NICE = ("nice", "-n", "10")
"""Ours yields to the machines: a starved machine would fail over without a fault."""
CLIENT_NETWORKS = 24
"""Client addresses in so many different /24s: ip_hash looks at the first three octets only."""
MIN_SAMPLED = 0.95
"""With fewer samples than this share of those due, an observation proves nothing."""


def run_inside(netns: str, module: str, *arguments: str) -> list[str]:
    """Command line of ``python -m module`` inside a namespace."""
    return [*enter(netns), sys.executable, "-m", module, *arguments]


def client_address(number: int) -> str:
    """A client address in a /24 of its own, in the benchmark range of RFC 2544."""
    return f"198.18.{number}.1"


def enter(netns: str | None) -> list[str]:
    """Command prefix that runs the rest inside a namespace."""
    return [*NICE, "nsenter", f"--net=/run/netns/{netns}", "--"] if netns else [*NICE]


def add_client_addresses(netns: str) -> list[str]:
    """Give the namespace its client addresses; those that are there already are left alone."""
    addresses = [client_address(number) for number in range(CLIENT_NETWORKS)]
    for address in addresses:
        command = ["ip", "address", "replace", f"{address}/32", "dev", "lo"]
        subprocess.run([*enter(netns), *command], check=True)
    return addresses


class Observation:
    """A running observer, and after its end the samples that it printed."""

    def __init__(self, process: subprocess.Popen[bytes], output: Any) -> None:
        self._process, self._output = process, output
        self.samples: list[dict[str, Any]] = []

    def peek(self) -> list[dict[str, Any]]:
        """The whole samples so far, while the observer goes on."""
        path = Path(f"/proc/self/fd/{self._output.fileno()}")
        lines = path.read_text(encoding="utf-8").split("\n")[:-1]
        return [json.loads(line) for line in lines]

    def wait_for_more(self, count: int, *, timeout_s: float) -> None:
        """Wait until so many samples have come since now."""
        wanted = len(self.peek()) + count
        wait_until(
            lambda: len(self.peek()) >= wanted,
            what=f"{count} more samples of {self._process.args!r}",
            timeout_s=timeout_s,
        )

    def stop(self) -> None:
        """End the observer and read its samples.

        Raises:
            RuntimeError: it had died on its own, so that what it saw is not the whole.
        """
        died = self._process.poll()
        if died is None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(timeout=20)
        self.samples = self.peek()
        if died is not None:
            raise RuntimeError(f"Observer {self._process.args!r} ended by itself (exit {died}).")


class Observations:
    """Several observers as one."""

    def __init__(self, parts: Sequence[Observation]) -> None:
        self.parts = parts

    @property
    def samples(self) -> list[dict[str, Any]]:
        """What all have printed, once they have ended."""
        return [sample for part in self.parts for sample in part.samples]

    def peek(self) -> list[dict[str, Any]]:
        """The whole samples so far, while they go on."""
        return [sample for part in self.parts for sample in part.peek()]

    def wait_for_more(self, count: int, *, timeout_s: float) -> None:
        """Wait until each has so many more."""
        for part in self.parts:
            part.wait_for_more(count, timeout_s=timeout_s)


@contextmanager
def observer(netns: str, module: str, *arguments: str) -> Iterator[Observation]:
    """Run ``python -m module`` in a namespace for as long as the block lasts."""
    with TemporaryFile() as output:
        command = run_inside(netns, module, *arguments)
        process = subprocess.Popen(command, stdout=output, cwd=Path(__file__).parent.parent)
        observation = Observation(process, output)
        try:
            yield observation
        finally:
            observation.stop()


@dataclass(frozen=True)
class Outage:
    """How long a client got no good answer."""

    seconds: float
    """From one good answer to the next; in steady state that is the time between two probes."""
    failed: int
    """Probes sent in that time that never got a good answer."""


def longest_outage(samples: Sequence[dict[str, Any]], *, good: Iterable[int] = (200,)) -> Outage:
    """The longest time between two good answers in a row, with the failures in it.

    It counts when answers came, not when they were asked for: a request that was sent while nobody
    held the VIP may be answered after the take-over, by a retransmission.
    """
    statuses, longest = set(good), Outage(0.0, 0)
    answered = sorted(
        float(sample["at"]) + float(sample["seconds"])
        for sample in samples
        if sample["status"] in statuses
    )
    failures = [float(sample["at"]) for sample in samples if sample["status"] not in statuses]
    for before, after in pairwise(answered):
        if after - before > longest.seconds:
            failed = sum(before <= at < after for at in failures)
            longest = Outage(round(after - before, 3), failed)
    return longest


def holders(samples: Iterable[dict[str, Any]]) -> dict[str, list[tuple[float, tuple[str, ...]]]]:
    """For each VIP the times and holders, one entry for each change."""
    seen: dict[str, list[tuple[float, tuple[str, ...]]]] = defaultdict(list)
    for sample in sorted(samples, key=lambda sample: float(sample["at"])):
        macs = tuple(sample["macs"])
        if not seen[sample["vip"]] or seen[sample["vip"]][-1][1] != macs:
            seen[sample["vip"]].append((sample["at"], macs))
    return dict(seen)


def sampled_share(samples: Sequence[dict[str, Any]], *, rate_hz: float, vips: int) -> float:
    """Share of the samples due between the first and the last that were taken."""
    if len(samples) < 2:
        return 0.0
    times = [float(sample["at"]) for sample in samples]
    due = (max(times) - min(times)) * rate_hz * vips
    return len(samples) / due if due else 0.0
