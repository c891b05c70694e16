"""A machine of a test that is the golden image's root tree, in namespaces of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from bootstrap.managed import ManagedFile
from lab.image import Image, run_in_root

T = TypeVar("T")
SLEEP = "import time; time.sleep(600)"


class Root:
    """One machine: its files, and what was begun in it."""

    def __init__(
        self,
        image: Image,
        name: str,
        files: Mapping[str, ManagedFile],
        texts: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self.files = files
        self.mark = f"test-root-{os.getpid()}-{name}"
        self.processes: list[subprocess.Popen[bytes]] = []
        held = {path: file.content for path, file in files.items()} | dict(texts or {})
        self.thread = threading.Thread(target=self._hold, args=(image, held), daemon=True)
        self.thread.start()
        self.pid = until(self._find, timeout_s=20)
        self.root = Path(f"/proc/{self.pid}/root")

    def _hold(self, image: Image, texts: Mapping[str, str]) -> None:
        run_in_root(image, ["python3", "-c", SLEEP, self.mark], files=texts)

    def _find(self) -> int | None:
        for entry in Path("/proc").glob("[0-9]*/cmdline"):
            with suppress(OSError):
                words = entry.read_bytes().split(b"\0")
                if words[0] == b"python3" and self.mark.encode() in words:
                    return int(entry.parent.name)
        return None

    def inside(self, text: str) -> list[str]:
        enter = ["nsenter", f"--target={self.pid}", "--mount", "--net", "--root"]
        return [*enter, "nice", "-n", "15", "sh", "-c", f"exec 2>&1; {text}"]

    def sh(self, text: str, *, check: bool = True, timeout_s: float = 60) -> str:
        done = subprocess.run(
            self.inside(text),
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout_s,
            cwd="/",
        )
        assert not check or done.returncode == 0, done.stdout
        return done.stdout

    def begin(self, text: str) -> subprocess.Popen[bytes]:
        with (self.root / "tmp" / "log").open("ab") as log:
            process = subprocess.Popen(
                self.inside(text), stdout=log, stderr=log, start_new_session=True, cwd="/"
            )
        self.processes.append(process)
        return process

    def prepare(self) -> None:
        """What a machine has before the blocks run."""
        lines = ["set -e", "ip link set lo up"]
        for path, file in self.files.items():
            lines.append(f"chown {file.owner}:{file.group} {path}; chmod {file.mode:o} {path}")
        self.sh("\n".join(lines))

    def end_processes(self) -> None:
        """At once; nothing is said to anybody."""
        for process in self.processes:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        self.processes.clear()

    def remove(self) -> None:
        self.end_processes()
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        self.thread.join(timeout=20)

    def log(self) -> str:
        return (self.root / "tmp" / "log").read_text(encoding="utf-8", errors="replace")


def wire(one: Root, other: Root, name: str, addresses: tuple[str, str]) -> None:
    """A wire between two machines: a card of that name in each, with its address and prefix."""
    subprocess.run(
        ["ip", "link", "add", name, "netns", str(one.pid), "type", "veth",
         "peer", "name", name, "netns", str(other.pid)],
        check=True,
    )  # fmt: skip
    for machine, address in zip((one, other), addresses, strict=True):
        machine.sh(f"ip address add {address} dev {name}; ip link set {name} up")


def until(ask: Callable[[], T | None], *, timeout_s: float) -> T:
    """The first answer that is one.

    Raises:
        TimeoutError: none was.
    """
    end = time.monotonic() + timeout_s
    pause = threading.Event()
    while True:
        found = ask()
        if found:
            return found
        if time.monotonic() > end:
            raise TimeoutError(f"not so after {timeout_s:g} s")
        pause.wait(0.1)
