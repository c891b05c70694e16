"""What others on the machine read of a look: the document, and two words for keepalived."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from bootstrap.shared.replacing import replace


class Publisher:
    """Three files, each replaced as a whole."""

    def __init__(self, *, document: Path, holds: Path, alive: Path) -> None:
        self.document = document
        self.holds = holds
        self.alive = alive
        self.said: dict[str, Any] = {}

    def say(self, found: dict[str, Any]) -> None:
        """What a look has found.

        Whether the VIPs may be here comes first, and is said anew each time: keepalived follows it
        at once, and would not see what it has missed.
        """
        self.said = found
        replace(self.holds, self._holds())
        self._document(found)

    def again(self) -> None:
        """What was said last still holds."""
        self._document(self.said | {"time": time.time()})

    def _document(self, found: dict[str, Any]) -> None:
        since_boot = time.clock_gettime(time.CLOCK_BOOTTIME)
        replace(self.document, json.dumps(found))
        replace(self.alive, f"{int(since_boot)} {self.said.get('role')} {self._holds()}")

    def _holds(self) -> str:
        return "1" if self.said.get("may_hold") else "0"
