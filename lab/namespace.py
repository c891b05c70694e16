"""The lab's network namespace: holds the bridges, and every probe and SSH connection enters it."""

from __future__ import annotations

import subprocess
from pathlib import Path

NETNS_FOLDER = Path("/run/netns")
"""Where ``ip netns`` keeps named namespaces (ip-netns(8))."""


def exists(netns: str) -> bool:
    """Whether the namespace is there."""
    return (NETNS_FOLDER / netns).exists()


def create(netns: str) -> None:
    """Make the namespace with its loopback up; one that is there stays as it is."""
    if not exists(netns):
        subprocess.run(["ip", "netns", "add", netns], check=True)
    subprocess.run(["ip", "-n", netns, "link", "set", "lo", "up"], check=True)


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
