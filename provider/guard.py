"""Ties a process to the one that started it: neither outlives the other unnoticed."""

import asyncio
import ctypes
import os
import signal
from collections.abc import Callable
from typing import Final

_PR_SET_PDEATHSIG: Final = 1
"""prctl(2): signal to get when the parent ends."""

PARENT: Final = "PAIRWISE_PARENT"
"""Environment variable with the process id of the child's starter."""

NICE: Final = 10
"""Children give way to the virtual machines on the same CPUs: starved ones fail over falsely."""


def die_with_parent() -> None:
    """End with the parent, however that one ends; in a child, before anything else.

    Raises:
        SystemExit: the parent has ended already.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        raise SystemExit("prctl(PR_SET_PDEATHSIG) is refused: run on Linux")
    expected = os.environ.get(PARENT)
    if expected is not None and os.getppid() != int(expected):
        raise SystemExit("the provider that started this child has ended")
    os.nice(NICE)


def watch_parent(on_end: Callable[[], None]) -> None:
    """Call `on_end` when the parent process ends; in the provider, inside its event loop.

    Not PR_SET_PDEATHSIG: the kernel sends that when the *thread* that started us ends, and the
    engine is a Go program whose threads come and go.
    """
    descriptor = os.pidfd_open(os.getppid())
    asyncio.get_running_loop().add_reader(descriptor, on_end)
