"""Runs inside the golden image's root tree: web1's nginx, php-fpm and two memcacheds, then faults.

Standard library only; prints one JSON document. The second memcached stands for web2's; a firewall
rule that drops its packets stands for a machine without power: connecting finds nobody.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

WEB1, WEB2, LB1, CLIENT = "10.71.1.21", "10.71.1.22", "10.71.1.11", "10.71.1.99"
SESSIONS = 200
DEADLINE_S = 20.0
FOLDERS = ("/run/pairwise-app", "/var/lib/pairwise-app", "/var/lib/pairwise-app/uploads")
BOUNDARY = "pairwise-boundary"
"""Between the parts of a form."""

ANSWER = tuple[int, Any, str]
"""Status, body (JSON where it is), cookie."""


def run(*argv: str) -> None:
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)


def wait_for_port(address: str, port: int) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while True:
        try:
            socket.create_connection((address, port), timeout=1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            os.sched_yield()
        else:
            return


def memcached(address: str) -> subprocess.Popen[bytes]:
    started = subprocess.Popen(["memcached", "-u", "memcache", "-l", address, "-U", "0", "-t", "1"])
    wait_for_port(address, 11211)
    return started


def request(
    method: str, path: str, *, cookie: str = "", body: bytes = b"", kind: str = "",
    source: str = LB1, forwarded: str = "",
) -> ANSWER:  # fmt: skip
    connection = http.client.HTTPConnection(WEB1, 80, timeout=30, source_address=(source, 0))
    headers = {"Host": "www.six.lab"}
    headers |= {"Cookie": f"PAIRWISE_SESSION={cookie}"} if cookie else {}
    headers |= {"Content-Type": kind} if kind else {}
    headers |= {"X-Forwarded-For": forwarded} if forwarded else {}
    # Refused before all of it was sent: the answer is there.
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        connection.request(method, path, body or None, headers)
    answer = connection.getresponse()
    text = answer.read().decode()
    found = answer.getheader("Set-Cookie") or ""
    cookie = found.partition("PAIRWISE_SESSION=")[2].partition(";")[0] or cookie
    try:
        return answer.status, json.loads(text), cookie
    except ValueError:
        return answer.status, text, cookie


def upload(size: int) -> int:
    head = (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="f.bin"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    )
    body = head.encode() + b"x" * size + f"\r\n--{BOUNDARY}--\r\n".encode()
    kind = f"multipart/form-data; boundary={BOUNDARY}"
    return request("POST", "/app/upload", body=body, kind=kind)[0]


def copies(address: str) -> int:
    with socket.create_connection((address, 11211), timeout=5) as talk:
        talk.sendall(b"stats\r\n")
        text = b""
        while b"END\r\n" not in text:
            text += talk.recv(4096)
    return int(text.partition(b"curr_items ")[2].split()[0])


def silence(address: str) -> None:
    rule = f"ip daddr {address} tcp dport 11211 drop"
    run("nft", "add", "rule", "inet", "fault", "input", rule)


def heal() -> None:
    run("nft", "flush", "chain", "inet", "fault", "input")


def everyone(path: str, cookies: list[str]) -> tuple[list[int], float, int]:
    """Visits that each session shows, the longest answer in seconds, how many took over 0.3 s."""
    visits, longest, slow = [], 0.0, 0
    for cookie in cookies:
        begun = time.monotonic()
        _, body, _ = request("GET", path, cookie=cookie)
        took = time.monotonic() - begun
        longest, slow = max(longest, took), slow + (took > 0.3)
        visits.append(body.get("visits", -1))
    return visits, round(longest, 3), slow


def all_are(visits: list[int], number: int) -> bool:
    return visits == [number] * SESSIONS


def faults() -> Iterator[tuple[str, Any]]:
    peer = memcached(WEB2)
    memcached(WEB1)
    cookies = [request("GET", "/app/visit")[2] for _ in range(SESSIONS)]
    yield "distinct", len(set(cookies))
    yield "copies", [copies(WEB1), copies(WEB2)]
    yield "answers", request("GET", "/app/health")[1]["sessions"]
    silence(WEB2)
    visits, longest, slow = everyone("/app/visit", cookies)
    yield "peer without power: counted", all_are(visits, 2)
    yield "peer without power: longest", longest
    yield "peer without power: slow", slow
    yield "peer without power: health", request("GET", "/app/health")[1]["sessions"]
    peer.kill()
    peer.wait()
    heal()
    peer = memcached(WEB2)
    time_until_back()
    yield "peer back and empty: read", all_are(everyone("/app/session", cookies)[0], 2)
    yield "peer back: copies", copies(WEB2)
    silence(WEB1)
    visits, longest, slow = everyone("/app/visit", cookies)
    yield "own without power: counted", all_are(visits, 3)
    yield "own without power: longest", longest
    heal()
    time_until_back()
    yield "own back with old copies: read", all_are(everyone("/app/session", cookies)[0], 3)
    yield "own back with old copies: counted", all_are(everyone("/app/visit", cookies)[0], 4)
    silence(WEB1)
    silence(WEB2)
    status, body, _ = request("GET", "/app/visit", cookie=cookies[0])
    yield "none left", [status, "error" in body]
    heal()


def time_until_back() -> None:
    """Until no session server is marked as away any more: one request tries after five seconds."""
    deadline = time.monotonic() + DEADLINE_S
    while any(Path(FOLDERS[0]).glob("away-*")):
        if time.monotonic() > deadline:
            raise TimeoutError("a session server stays marked as away")
        request("GET", "/app/visit")


def pages() -> Iterator[tuple[str, Any]]:
    yield "no session", request("GET", "/app/session")[1]["visits"]
    status, body, _ = request("GET", "/app/session", cookie="a" * 26)
    yield "unknown session", [status, body["visits"], body["first_node"]]
    yield "no key of ours", request("GET", "/app/visit", cookie="x y%0d%0aflush_all")[0]
    yield (
        "from a balancer",
        request("GET", "/app/visit", forwarded="6.6.6.6, 198.18.1.1")[1]["client"],
    )
    from_client = request("GET", "/app/visit", source=CLIENT, forwarded="6.6.6.6")
    yield "from a client", from_client[1]["client"]
    form = "application/x-www-form-urlencoded"
    row = request("POST", "/app/rows", body=b"text=one+%3Cb%3E", kind=form)
    yield "row", [row[0], row[1]]
    yield "rows", request("GET", "/app/rows")[1]
    yield "row without text", request("POST", "/app/rows", body=b"x=1", kind=form)[0]
    yield (
        "uploads",
        [upload(8 * 2**20), upload(8 * 2**20 + 1), upload(9_000_000), upload(9 * 2**20)],
    )
    page = request("GET", "/app/")[1]
    yield "page", ["web1" in page, "one &lt;b&gt;" in page, "in a file of this machine" in page]
    yield "elsewhere", [request("GET", "/app/nothing")[0], request("PUT", "/app/rows")[0]]
    yield "source text", request("GET", "/app/index.php")[0]
    yield "probe", len(request("GET", "/static/probe.txt")[1])


def serve() -> None:
    """A network with everybody's address, and web1's nginx and php-fpm."""
    run("ip", "link", "set", "lo", "up")
    run("ip", "link", "add", "lan", "type", "bridge")
    for address in (WEB1, WEB2, LB1, CLIENT):
        run("ip", "address", "add", f"{address}/24", "dev", "lan")
    run("ip", "link", "set", "lan", "up")
    run("nft", "add", "table", "inet", "fault")
    chain = "{ type filter hook input priority 0 ; }"
    run("nft", "add", "chain", "inet", "fault", "input", chain)
    run("install", "-d", "-o", "www-data", "-g", "www-data", "/run/php", "/run/memcached", *FOLDERS)
    run("php-fpm8.4", "--daemonize", "--fpm-config", "/etc/php/8.4/fpm/php-fpm.conf")
    enabled = Path("/etc/nginx/sites-enabled")
    for path in enabled.iterdir():
        path.unlink()
    (enabled / "pairwise-web.conf").symlink_to("../sites-available/pairwise-web.conf")
    run("nginx")
    wait_for_port(WEB1, 80)


def main() -> None:
    serve()
    found = dict(faults())
    found |= dict(pages())
    print("#found", json.dumps(found))


if __name__ == "__main__":
    main()
