"""Hold many kept connections over one or more VIPs, each of which asks for a file now and then.

Connections take VIPs and source addresses in turn, open spread over one period, and ask once in
each period at a time of their own. A connection that breaks is opened again after a short random
delay and asks at once. Beside them a probe asks PHP at a low rate, each time on a connection of
its own. Run it inside the lab's namespace:
``python -m drills.workloads.connections [options] VIP [VIP ...]``

SIGUSR1 marks t0, the instant of a fault; SIGTERM ends the run early. Progress goes to stderr as
JSON lines, the result to stdout as one JSON object.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from drills.wait import pace
from drills.workloads.http import get, raise_file_limit
from drills.workloads.kept import ANSWER_S, Client, Load, Run
from drills.workloads.tally import Held

PROGRESS_S = 1.0
"""Time between two lines of progress; also the step in which a stalled client shows."""


async def probe_php(run: Run) -> None:
    """Ask PHP at a fixed rate, whatever earlier probes do, until cancelled."""
    load = run.load
    async with asyncio.TaskGroup() as group:
        number, due = 0, time.monotonic()
        while True:
            group.create_task(_probe_once(run, number))
            number, due = number + 1, due + 1 / load.probe_hz
            await pace(due)


async def _probe_once(run: Run, number: int) -> None:
    load, sent = run.load, time.monotonic()
    vip = load.vips[number % len(load.vips)]
    turn = number // len(load.vips)
    source = load.sources[turn % len(load.sources)] if load.sources else None
    tally = run.probes[run.mark is not None and sent >= run.mark]
    try:
        async with asyncio.timeout(ANSWER_S):
            response = await get(vip, port=load.port, path=load.probe_path, source=source)
    except ConnectionRefusedError:
        tally.refused += 1
    except TimeoutError:
        tally.unanswered += 1
    except (OSError, asyncio.IncompleteReadError):
        tally.reset += 1
    except ValueError as error:
        tally.answered_wrong(str(error))
    else:
        if response.status == 200:
            tally.answered(time.monotonic() - sent)
        else:
            tally.answered_wrong(f"status {response.status}, body {response.body[:60]!r}")


def memory_bytes() -> int:
    """Resident memory of this process (proc(5), VmRSS)."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0


async def show_progress(run: Run) -> None:
    """Print how it stands, and notice when this process itself came too late."""
    start = due = time.monotonic()
    while True:
        due += PROGRESS_S
        await pace(due)
        now = time.monotonic()
        run.lag_s = max(run.lag_s, now - due)
        run.rss_most = max(run.rss_most, memory_bytes())
        due = max(due, now - PROGRESS_S)
        line = {
            "at_s": round(now - start, 1),
            "t0_s": None if run.mark is None else round(run.mark - start, 1),
            "open": {vip: held.now for vip, held in run.held.items()},
            "good": sum(held.before.good + held.after.good for held in run.held.values()),
            "failed": sum(held.before.failed + held.after.failed for held in run.held.values()),
            "recovered": sum(len(held.recovered) for held in run.held.values()),
        }
        print(json.dumps(line), file=sys.stderr, flush=True)


async def run_load(load: Load, *, run: Run | None = None) -> dict[str, Any]:
    """Hold the connections for the given time and return the result."""
    run = run or new_run(load)
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, run.stop.set)
    loop.add_signal_handler(signal.SIGUSR1, run.set_mark)
    run.rss_at_start = memory_bytes()
    start = time.monotonic()
    tasks = [asyncio.create_task(Client(run, number).hold()) for number in range(load.connections)]
    tasks.append(asyncio.create_task(show_progress(run)))
    if load.probe_hz:
        tasks.append(asyncio.create_task(probe_php(run)))
    stopped = asyncio.create_task(run.stop.wait())
    # A task that ends before the time is over has met a fault of this program.
    done, _ = await asyncio.wait(
        [*tasks, stopped], timeout=load.seconds, return_when=asyncio.FIRST_COMPLETED
    )
    outcome = result(run, seconds=time.monotonic() - start)
    for task in [*tasks, stopped]:
        task.cancel()
    await asyncio.gather(*tasks, stopped, return_exceptions=True)
    for task in done - {stopped}:
        task.result()
    return outcome


def new_run(load: Load) -> Run:
    """The state before the first connection."""
    held = {vip: Held() for vip in load.vips}
    for number in range(load.connections):
        held[load.vips[number % len(load.vips)]].wanted += 1
    return Run(load, held, sha256=load.sha256)


def result(run: Run, *, seconds: float) -> dict[str, Any]:
    """What was counted, as one JSON object."""
    run.rss_most = max(run.rss_most, memory_bytes())
    grown = max(run.rss_most - run.rss_at_start, 0)
    asked = sum(held.before.good + held.after.good for held in run.held.values())
    return {
        "connections": run.load.connections,
        "source_addresses": len(run.load.sources),
        "every_s": run.load.every_s,
        "seconds": round(seconds, 1),
        "good_per_s": round(asked / seconds, 1),
        "body_sha256": run.sha256,
        "t0_marked": run.mark is not None,
        "vips": {vip: held.result() for vip, held in run.held.items()},
        "php": {"before_t0": run.probes[0].result(), "after_t0": run.probes[1].result()},
        "client": {
            "bytes_per_connection": grown // max(run.load.connections, 1),
            "memory_bytes": run.rss_most,
            "longest_lag_s": round(run.lag_s, 3),
        },
    }


def arguments_of(arguments: Sequence[str] | None) -> Load:
    """The load that a command line describes."""
    own = Load(vips=())
    parser = argparse.ArgumentParser(prog="drills.workloads.connections", description=__doc__)
    parser.add_argument("vips", nargs="+", metavar="VIP")
    parser.add_argument("--port", type=int, default=own.port)
    parser.add_argument("--connections", type=int, default=own.connections)
    parser.add_argument("--seconds", type=float, default=own.seconds)
    parser.add_argument("--every", dest="every_s", type=float, default=own.every_s)
    parser.add_argument("--path", default=own.path)
    parser.add_argument("--bytes", type=int, default=own.bytes, help="length of the body")
    parser.add_argument("--sha256", default=None, help="hash of the body")
    parser.add_argument("--source", dest="sources", action="append", default=[], metavar="ADDRESS")
    parser.add_argument("--probe-path", default=own.probe_path)
    parser.add_argument("--probe-hz", type=float, default=own.probe_hz, help="0 is no probe")
    given = vars(parser.parse_args(arguments))
    return Load(**{**given, "vips": tuple(given["vips"]), "sources": tuple(given["sources"])})


def main() -> None:
    load = arguments_of(None)
    raise_file_limit(load.connections)
    print(json.dumps(asyncio.run(run_load(load))), flush=True)


if __name__ == "__main__":
    main()
