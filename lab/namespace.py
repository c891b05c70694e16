"""The lab's network namespace: holds the bridges, and every probe and SSH connection enters it."""

from __future__ import annotations

import subprocess
from pathlib import Path

NETNS_FOLDER = Path("/run/netns")
"""Where ``ip netns`` keeps named namespaces (ip-netns(8))."""


def exists(netns: str) -> bool:
    """Whether the namespace is there."""
    return (NETNS_FOLDER / netns).exists()


BRIDGES = (
    "for file in /proc/sys/net/bridge/bridge-nf-call-*tables; do"
    ' [ ! -e "$file" ] || echo 0 >"$file"; done'
)
"""Frames between machines are a switch's business. Where the kernel has br_netfilter it shows them
to the rules for routed packets: libvirt's for a network with a way out put the hypervisor's address
in the place of the client's in what a director hands on with nat, and the answer is lost."""


def create(netns: str) -> None:
    """Make the namespace with its loopback up; one that is there stays as it is."""
    if not exists(netns):
        subprocess.run(["ip", "netns", "add", netns], check=True)
    subprocess.run(["ip", "-n", netns, "link", "set", "lo", "up"], check=True)
    subprocess.run([*enter(netns), "sh", "-c", BRIDGES], check=True)


def delete(netns: str) -> None:
    """Remove the namespace and with it its bridges."""
    if exists(netns):
        subprocess.run(["ip", "netns", "delete", netns], check=True)


def enter(netns: str) -> list[str]:
    """Command prefix that runs the rest inside the namespace."""
    return ["nsenter", f"--net={NETNS_FOLDER / netns}", "--"]


def processes(netns: str) -> list[int]:
    """Processes that live in the namespace."""
    done = subprocess.run(
        ["ip", "netns", "pids", netns], check=False, capture_output=True, text=True
    )
    return [int(word) for word in done.stdout.split()]
