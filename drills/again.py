"""A program on a machine that may go and come back: started again whenever its connection ends."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from drills.workloads.recorder import end_group, start_group


class Again:
    """One program after the other, until stopped; each line goes to one function.

    Args:
        argv: the command line of the next start. take: gets each line. pause_s: before the next
        start. ended: called in between, when all lines of a start were taken.
    """

    def __init__(
        self,
        argv: Callable[[], Sequence[str]],
        take: Callable[[str], None],
        *,
        pause_s: float,
        ended: Callable[[], None] = lambda: None,
    ) -> None:
        self._argv, self._take, self._pause_s, self._ended = argv, take, pause_s, ended
        self._stopped = threading.Event()
        self._process = start_group(argv())
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while True:
            assert self._process.stdout is not None
            for line in self._process.stdout:
                self._take(line.decode("utf-8", "replace"))
            self._process.wait()
            self._process.stdout.close()
            self._ended()
            if self._stopped.wait(self._pause_s):
                return
            self._process = start_group(self._argv())

    def stop(self) -> None:
        """End it."""
        self._stopped.set()
        end_group(self._process)
        self._thread.join(timeout=30)
