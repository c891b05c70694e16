"""Inserts unique numbers into a node's own MySQL server, as its local root, where it is the source.

For a GTID pair without a client in its description: no account is made and no port is opened for a
drill. The program runs on both nodes, so that whichever may be written to is written to, a stale
one as well. Whether a client could have written so, the program says with each row: it looks
whether the VIP is on its machine.
"""

from __future__ import annotations

import shlex
from ipaddress import IPv4Address

from bootstrap.facts.mysql import CLIENT
from drills.inside import LISTENS
from drills.workloads.mysql_append import TABLE
from drills.workloads.recorder import EVERY_S, FRESH

ANSWER_S = 30
"""A source that waits for its replica answers late, and then both have the row."""
LOGIN_S = 10
"""For a client's start on an emulated machine."""
ARGV = (*CLIENT.split(), "--unbuffered", "--skip-reconnect")
PROGRAM = (
    LISTENS
    + f"FRESH = {FRESH}\n"
    + """\
import json, os, select, subprocess, sys, time
first, step, every, answer_s, login_s, table, vip, *argv = sys.argv[1:]
def say(number, event, **more):
    print(json.dumps({"id": number, "event": event, **more}), flush=True)
def vip_is_here():
    lines = open("/proc/net/fib_trie").read().splitlines()
    return any(line.strip() == "|-- " + vip and "host LOCAL" in below
               for line, below in zip(lines, lines[1:]))
client = None
def close():
    global client
    words = b""
    if client is not None:
        client.kill()
        words = client.communicate()[1]
        client = None
    return words.decode(errors="replace").strip()
def ask(text, seconds):
    # The last word of the answer; None: none in time, or the client has ended.
    end, said = time.monotonic() + seconds, b""
    try:
        os.write(client.stdin.fileno(), text.encode())
        while not said.endswith(b"\\n"):
            left = end - time.monotonic()
            if left <= 0 or not select.select([client.stdout], [], [], left)[0]:
                return None
            part = os.read(client.stdout.fileno(), 4096)
            if not part:
                return None
            said += part
    except OSError:
        return None
    return said.split()[-1].decode()
number, due, fresh = int(first), time.monotonic(), FRESH
while True:
    pipe = subprocess.PIPE
    say(number, "invoked")
    limit = 2.0
    if client is None and listens():
        client = subprocess.Popen(argv, stdin=pipe, stdout=pipe, stderr=pipe)
        limit = float(login_s)
    closed = ask("SELECT @@read_only;\\n", limit) if client is not None else None
    pause = float(every)
    if closed != "0":
        fresh = FRESH
        say(number, "failed", error="read-only" if closed == "1" else close())
        pause *= 2
    else:
        before = vip_is_here()
        done = "done-%d-" % number
        count = "CONCAT('%s', COUNT(*)) FROM %s" % (done, table) if fresh else "'%s'" % done
        text = "INSERT INTO %s (id) VALUES (%d); SELECT %s;\\n" % (table, number, count)
        told = ask(text, float(answer_s)) or ""
        if told.startswith(done):
            rows = told[len(done):]
            more = {"rows": int(rows)} if rows else {}
            say(number, "ok", served=before and vip_is_here(), **more)
            fresh = max(fresh - 1, 0)
        else:
            fresh = FRESH
            words = close()
            # Refused as a whole: a server that became read-only meanwhile.
            say(number, "failed" if "ERROR 1290 " in words else "unknown", error=words)
    number += int(step)
    due = max(due + pause, time.monotonic())
    time.sleep(max(due - time.monotonic(), 0))
"""
)
"""Python source; arguments: first number, step, seconds between two writes, for an answer and for a
login, table, VIP, and the client's command line."""


def command(database: str, vip: IPv4Address) -> str:
    """Shell text that inserts on a node until its connection ends; its caller puts the numbers."""
    given = ("{first}", "{step}", str(EVERY_S), str(ANSWER_S), str(LOGIN_S))
    table = f"{database}.{TABLE}"
    return shlex.join(["python3", "-c", PROGRAM, *given, table, str(vip), *ARGV])
