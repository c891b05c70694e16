"""Appends unique, increasing numbers to a file and has each on disk before it counts.

The text of ``PROGRAM`` runs on the machine that mounts the share; it says ``ok`` once fsync has
returned. ``drills.workloads.recorder`` says what its lines mean. A line has 64 bytes: a block holds
a whole number of them, so that a full disk tears none in two, and soon has no room for one.
"""

from __future__ import annotations

import shlex

from drills.workloads.recorder import EVERY_S

PROGRAM = """\
import json, os, sys, time
path, every = sys.argv[1], float(sys.argv[2])
def say(number, event, **more):
    print(json.dumps({"id": number, "event": event, **more}), flush=True)
file = None
number, due = 0, time.monotonic()
while True:
    number += 1
    say(number, "invoked")
    try:
        if file is None:
            file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    except OSError as error:
        say(number, "failed", error=str(error))
    else:
        try:
            os.write(file, b"%63d\\n" % number)
            os.fsync(file)
            say(number, "ok")
        except OSError as error:
            # The kernel may have sent some of it: it is there or not.
            say(number, "unknown", error=str(error))
            try:
                os.close(file)
            except OSError:
                pass
            file = None
    due = max(due + every, time.monotonic())
    time.sleep(max(due - time.monotonic(), 0))
"""
"""Python source; arguments: path, seconds between two writes."""
FILE = "drill-appended"
"""Name of the file on the share."""
AS_OWNER = ("setpriv", "--reuid", "www-data", "--regid", "www-data", "--clear-groups")
"""The export is the web server's; root is nobody on it."""


def clear_command(folder: str) -> str:
    """Shell text that removes the file from a mounted share."""
    return shlex.join([*AS_OWNER, "rm", "-f", f"{folder}/{FILE}"])


def command(folder: str) -> str:
    """Shell text that appends to the file on a mounted share, until its connection ends."""
    return shlex.join([*AS_OWNER, "python3", "-c", PROGRAM, f"{folder}/{FILE}", str(EVERY_S)])


def read_command(export: str) -> str:
    """Shell text for the server that prints the file as it is on its disk."""
    return f"cat {shlex.quote(f'{export}/{FILE}')}"


def numbers(text: str) -> list[int]:
    """The numbers in the file; a half-written line is none."""
    lines = [line.strip() for line in text.replace("\0", "").splitlines()]
    return [int(line) for line in lines if line.isdigit()]
