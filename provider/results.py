"""Results of dry runs, so that the update phase does not look at the machines a second time.

`pulumi up` runs two phases, each with a provider process of its own. The result of the preview
passes between them in a file, found by the engine that runs both phases and by the hash of the
inputs. The file holds digests only: it never holds a diff.
"""

import json
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from provider.pending import Pending, digests
from provider.runner import ROOT

MAX_AGE_S: Final = 15 * 60
"""A person may read the preview for a while before saying yes."""

FOLDER_VARIABLE: Final = "PAIRWISE_DRY_RUNS"
"""Environment variable: another folder for the results."""


def _folder() -> Path:
    return Path(os.environ.get(FOLDER_VARIABLE) or ROOT / ".pairwise" / "dry-runs")


def engine_id(pid: int) -> str:
    """Return a name for a process that no later process gets: its id and its start time.

    Raises:
        OSError: there is no such process.
    """
    stat = Path(f"/proc/{pid}/stat").read_text()
    started = stat.rpartition(")")[2].split()[19]  # proc(5): field 22, start time in ticks
    return f"{pid}-{started}"


class Results:
    """The results that one engine process hands from its preview to its update."""

    def __init__(self, engine: str) -> None:
        """Use the folder of the given engine (`engine_id`)."""
        self._folder = _folder() / engine

    def keep(self, fingerprint: str, pending: Pending) -> None:
        """Keep a preview's result for the update phase."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self._folder / f"{fingerprint}.json"
        partial = path.with_suffix(f".{os.getpid()}")
        partial.write_text(json.dumps(digests(pending)))
        partial.rename(path)

    def find(self, fingerprint: str) -> Pending | None:
        """Return the preview's result as digests; None when there is none or it is too old."""
        path = self._folder / f"{fingerprint}.json"
        try:
            if time.time() - path.stat().st_mtime > MAX_AGE_S:
                return None
            found: Any = json.loads(path.read_text())
        except (OSError, ValueError):
            return None
        return dict(found) if isinstance(found, Mapping) else None

    def forget(self, fingerprint: str) -> None:
        """Drop a result that an apply has made untrue."""
        (self._folder / f"{fingerprint}.json").unlink(missing_ok=True)


def prune() -> None:
    """Remove the results of engines that have ended."""
    for folder in _folder().glob("*-*"):
        with suppress(OSError, ValueError):
            if engine_id(int(folder.name.split("-")[0])) == folder.name:
                continue
        with suppress(OSError):
            for path in folder.iterdir():
                path.unlink(missing_ok=True)
            folder.rmdir()
