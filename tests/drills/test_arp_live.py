"""The ARP observer is shown a real second holder, between network namespaces of its own."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from drills.arp import RATE_HZ
from drills.observe import holders, observer, sampled_share
from drills.wait import wait_until

pytestmark = pytest.mark.live
VIP = "10.250.1.200"


def ip(*arguments: str, netns: str | None = None) -> None:
    where = ["-n", netns] if netns else []
    subprocess.run(["ip", *where, *arguments], check=True)


@contextmanager
def bridge_with_two_machines() -> Iterator[tuple[str, str, str]]:
    """Three namespaces: a bridge, and two machines on it that could each hold the VIP."""
    hub, one, two = "pwarp-hub", "pwarp-1", "pwarp-2"
    try:
        for name in (hub, one, two):
            ip("netns", "add", name)
        ip("link", "add", "br0", "type", "bridge", netns=hub)
        ip("link", "set", "br0", "up", netns=hub)
        for name, port in ((one, "p1"), (two, "p2")):
            ip("link", "add", port, "type", "veth", "peer", "name", "lan", "netns", name, netns=hub)
            ip("link", "set", port, "master", "br0", "up", netns=hub)
            ip("link", "set", "lan", "up", netns=name)
        yield hub, one, two
    finally:
        for name in (hub, one, two):
            subprocess.run(["ip", "netns", "delete", name], check=False)


def test_second_holder_and_absence_are_seen() -> None:
    with bridge_with_two_machines() as (hub, one, two):
        ip("address", "add", f"{VIP}/24", "dev", "lan", netns=one)
        wait_until(
            lambda: (
                "LOWER_UP"
                in subprocess.check_output(["ip", "-n", one, "link", "show", "lan"], text=True)
            ),
            what="the link of the first machine",
            timeout_s=10,
        )
        with observer(hub, "drills.arp", "br0", VIP) as seen:
            seen.wait_for_more(5, timeout_s=10)
            ip("address", "add", f"{VIP}/24", "dev", "lan", netns=two)
            seen.wait_for_more(5, timeout_s=10)
            ip("address", "del", f"{VIP}/24", "dev", "lan", netns=one)
            ip("address", "del", f"{VIP}/24", "dev", "lan", netns=two)
            seen.wait_for_more(5, timeout_s=10)
    counts = [len(macs) for _, macs in holders(seen.samples)[VIP]]
    assert [counts[0], max(counts), counts[-1]] == [1, 2, 0]
    assert sampled_share(seen.samples, rate_hz=RATE_HZ, vips=1) >= 0.95
