"""Run the steps of a set-up: show progress and time, skip what is done, record what each took.

Standard library only: this runs before the project's environment exists.
"""

from __future__ import annotations

import fcntl
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lab.paths import Paths

TAIL_LINES = 20
"""Lines of a failed command's log that are shown."""
TICK_S = 15
"""A step that takes longer says so this often."""


class StepError(RuntimeError):
    """A step failed; the text says what, where, and what to do."""


@dataclass(frozen=True)
class Step:
    """One step of a set-up."""

    name: str
    """What it brings about, in a few words."""
    is_done: Callable[[], bool]
    """Whether there is nothing to do; must be cheap and look at the result itself."""
    run: Callable[[], None]
    """Does it; an interrupted run must be repairable by running again."""


def run_steps(paths: Paths, groups: Sequence[Sequence[Step]]) -> dict[str, float]:
    """Run groups one after the other, the steps of a group side by side; returns seconds each.

    Raises:
        StepError: a step failed; the others of its group were run to their end.
    """
    timings: dict[str, float] = {}
    with locked(paths.lock):
        for group in groups:
            with ThreadPoolExecutor(max(len(group), 1)) as pool:
                futures = {step.name: pool.submit(_run_step, step) for step in group}
            for name, future in futures.items():
                timings[name] = future.result()
    paths.timings.write_text(json.dumps(timings, indent=1) + "\n", encoding="utf-8")
    return timings


def _run_step(step: Step) -> float:
    begin = time.monotonic()
    if step.is_done():
        say(f"{step.name}: already done")
        return round(time.monotonic() - begin, 1)
    say(f"{step.name} ...")
    finished = threading.Event()

    def tick() -> None:
        while not finished.wait(TICK_S):
            say(f"{step.name} ... {time.monotonic() - begin:.0f} s")

    ticker = threading.Thread(target=tick, daemon=True)
    ticker.start()
    try:
        step.run()
    finally:
        finished.set()
        ticker.join()
    seconds = round(time.monotonic() - begin, 1)
    say(f"{step.name}: done in {seconds:.0f} s")
    return seconds


def say(text: str) -> None:
    """One line of progress on standard error."""
    print(f"lab: {text}", file=sys.stderr, flush=True)


def command(
    argv: Sequence[str],
    *,
    log: Path,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: str | None = None,
) -> None:
    """Run a command with its output in a log file.

    Raises:
        StepError: it failed; the text ends with the log's last lines.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        output.write(f"\n$ {' '.join(argv)}\n".encode())
        output.flush()
        done = subprocess.run(
            argv,
            cwd=cwd,
            env=dict(env) if env is not None else None,
            input=stdin.encode() if stdin is not None else None,
            stdin=subprocess.DEVNULL if stdin is None else None,
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if done.returncode != 0:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-TAIL_LINES:])
        raise StepError(
            f"{argv[0]} failed with exit code {done.returncode}; correct what its last lines say "
            f"and run the command again (whole output: {log}):\n{tail}"
        )


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock; a second caller waits and says so."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another pairwise command to finish")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def table(timings: Mapping[str, float]) -> str:
    """The steps and their seconds as a table."""
    width = max((len(name) for name in timings), default=0)
    return "\n".join(f"  {name:<{width}}  {seconds:7.1f} s" for name, seconds in timings.items())
