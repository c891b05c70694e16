"""Where everything of a lab lives; every path of this package stands here once.

What belongs to one checkout is under its ``.pairwise`` folder; what costs minutes to make and is
the same for every checkout (toolchain, image) is in a cache that outlives it.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

MAX_SOCKET_PATH = 107
"""Longest path of a Unix socket: sun_path has 108 bytes and ends in a zero (unix(7))."""


@dataclass(frozen=True)
class Paths:
    """Folders and files of the lab of one checkout."""

    root: Path
    """The checkout."""

    @classmethod
    def of_checkout(cls, root: Path) -> Paths:
        """The paths of the checkout in ``root``."""
        return cls(root.resolve())

    @property
    def name(self) -> str:
        """Name of the lab: from PAIRWISE_LAB, else from the checkout's path.

        Two checkouts on one machine get two namespaces, two hypervisors and two sets of machines.
        """
        given = os.environ.get("PAIRWISE_LAB")
        return given or hashlib.sha256(str(self.root).encode()).hexdigest()[:8]

    @property
    def netns(self) -> str:
        """Network namespace of the lab."""
        return f"pw-{self.name}"

    @property
    def state(self) -> Path:
        """Everything that a run makes."""
        return self.root / ".pairwise"

    @property
    def logs(self) -> Path:
        """Output of the commands that steps run."""
        return self.state / "logs"

    @property
    def timings(self) -> Path:
        """How long each step of the last set-up took."""
        return self.state / "timings.json"

    @property
    def lock(self) -> Path:
        """Held while a set-up, a start or an end of the lab runs."""
        return self.state / "lock"

    @property
    def lab(self) -> Path:
        """State of the embedded hypervisor."""
        return self.state / "lab"

    @property
    def run(self) -> Path:
        """Sockets and pid files; outside the checkout where its path is too long for a socket."""
        inside = self.lab / "run"
        if len(str(inside / "virtlogd-admin-sock")) <= MAX_SOCKET_PATH:
            return inside
        return Path("/run") / f"pairwise-{self.name}"

    @property
    def pool(self) -> Path:
        """Volumes of the machines."""
        return self.lab / "pool"

    @property
    def pulumi_home(self) -> Path:
        """Plugins and settings of the engine, apart from the user's own."""
        return self.state / "pulumi"

    @property
    def cache(self) -> Path:
        """What outlives the checkout."""
        given = os.environ.get("PAIRWISE_CACHE")
        if given:
            return Path(given)
        base = os.environ.get("XDG_CACHE_HOME")
        return (Path(base) if base else Path.home() / ".cache") / "pairwise"

    @property
    def packages(self) -> Path:
        """Debian packages that the lab's HTTP server hands out; not there until it is made."""
        return self.cache / "packages"

    @property
    def modules(self) -> Path:
        """Go modules that pin the toolchain."""
        return self.root / "lab" / "toolchain"
