"""The web tier as its clients and its operators see it: sessions, uploads, notifications."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from drills.observe import Observation, observer
from drills.running import ROOT, LiveStack
from drills.wait import wait_until
from drills.workloads.history import good_since, sessions
from lab.paths import Paths
from lab.server import notifications_file

CLIENTS = 200
"""Sessions that the issue asks for."""
EVERY_S = 10.0
"""Seconds between two requests of one client: six emulated machines on two cores serve some 40
pages a second while nothing else is to be done, and a machine boots in the midst of this."""
FIRST_VISITS_S = 120
"""All first visits are sent within 5 s; four emulated PHP pages a second would do."""


def vips_of(stack: LiveStack) -> list[str]:
    """The addresses that pages come from."""
    return [str(vip.address) for vip in stack.plan.vips if vip.dns.startswith("www.")]


def networks(addresses: Sequence[str]) -> int:
    """How many different /24s addresses are in."""
    return len({ip_network(f"{address}/24", strict=False) for address in addresses})


@contextmanager
def crowd(
    stack: LiveStack, sources: Sequence[str], *, count: int = CLIENTS
) -> Iterator[Observation]:
    """So many clients with a session each, as soon as all have one and have read it back."""
    given = [word for source in sources for word in ("--source", source)]
    often = ["--every", str(EVERY_S), "--clients", str(count)]
    arguments = [*often, *given, *vips_of(stack)]
    with observer(stack.netns, "drills.workloads.sessions", *arguments) as seen:
        wait_until(
            lambda: len(sessions(seen.peek())) == count,
            what=f"{count} sessions to be there",
            timeout_s=FIRST_VISITS_S,
            every_s=1,
        )
        yield seen


def wait_for_everybody(seen: Observation, *, since: float, timeout_s: float) -> None:
    """Wait until every client has read its session and added a visit since an instant."""
    count = len(sessions(seen.peek()))

    def all_did() -> bool:
        history = seen.peek()
        asked = [good_since(history, at=since, op=op) for op in ("session", "visit")]
        return all(len(clients) == count for clients in asked)

    wait_until(
        all_did, what=f"{count} clients to read and to visit", timeout_s=timeout_s, every_s=1
    )


def copies(stack: LiveStack, node: str) -> set[str]:
    """Session ids that one web machine's memcached holds, by its own list of keys.

    The text protocol (memcached's doc/protocol.txt): ``lru_crawler metadump all`` gives a line
    ``key=<key, URL encoded> exp=...`` for each item, then ``END``.
    """
    web = stack.node(node).web
    assert web is not None
    server = next(server for server in web.session_servers if server.node == node)
    ask_for_keys = (
        f"exec 3<>/dev/tcp/{server.address}/{server.port}"
        r" && printf 'lru_crawler metadump all\r\n' >&3"
        " && timeout 10 sed -E '/^(END|BUSY|ERROR)/q' <&3"
    )

    def listing() -> str:
        # BUSY while its own crawler is at work.
        said = stack.exec(node, f'bash -c "{ask_for_keys}"')
        return said if said.rstrip().endswith("END") else ""

    listed = wait_until(listing, what=f"the keys of memcached on {node}", timeout_s=30, every_s=1)
    keys = [line.split()[0].removeprefix("key=") for line in listed.splitlines()[:-1]]
    return {unquote(key).rsplit(":", 1)[-1] for key in keys}


def wait_for_copies(stack: LiveStack, ids: set[str], *, timeout_s: float) -> dict[str, int]:
    """Wait until both memcacheds hold every session; how many each of them holds."""
    counted: dict[str, int] = {}

    def all_there() -> bool:
        counted.update({node: len(ids & copies(stack, node)) for node in ("web1", "web2")})
        return set(counted.values()) == {len(ids)}

    try:
        wait_until(
            all_there, what="each session on both memcacheds", timeout_s=timeout_s, every_s=2
        )
    except AssertionError as error:
        raise AssertionError(f"{error} Stored copies: {counted} of {len(ids)}.") from error
    return counted


def ask(stack: LiveStack, url: str, *options: str) -> tuple[int, dict[str, Any]]:
    """Status and JSON of one request by curl inside the namespace."""
    said = stack.inside(
        "curl", "--silent", "--show-error", "--max-time", "60",
        "--write-out", "\n%{http_code}", *options, url,
    )  # fmt: skip
    body, status = said.rsplit("\n", 1)
    try:
        answer = json.loads(body)
    except ValueError:
        answer = {"not_json": body[:200]}
    return int(status), answer


def notifications() -> list[dict[str, Any]]:
    """What has arrived at the lab so far; whole lines only."""
    file = notifications_file(Paths.of_checkout(ROOT))
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    return [json.loads(line) for line in text.split("\n")[:-1]]


def upload_of(folder: Path, *, mib: int) -> Path:
    """A file of so many MiB whose content does not shrink."""
    file = folder / f"{mib}-mib.bin"
    file.write_bytes(os.urandom(mib * 1024 * 1024))
    return file
