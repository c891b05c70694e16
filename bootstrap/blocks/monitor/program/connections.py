"""Clients' connections to groups that are here: noted beside their data, for the next holder.

A client whose server has gone repeats what it sent, at growing pauses, and learns only by the next
of these that its connection is no more: seconds after the VIP is back, and an application that only
waits for an answer learns it never. So the node that holds a group notes who is connected, in a
file of the group's own file system, and the node to which the group comes asks each of them, right
after it has the VIP, for its place in the connection (an acknowledgement that belongs to none: a
"tickle"; block heartbeat, pwvip). The answer meets a node that does not know it, is reset, and the
client connects anew at once.

The peer of it is the resource agent ``portblock`` with ``tickle_dir``.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterable
from dataclasses import replace

from bootstrap.blocks.monitor.program.actions import Action, Note
from bootstrap.blocks.monitor.program.config import Config
from bootstrap.blocks.monitor.program.memory import Memory
from bootstrap.blocks.monitor.program.seen import Holding, Observation

MOST = 4096
"""Lines in it: whoever has more connections that last has waited for an answer before."""
ESTABLISHED = "01"
"""``st`` of a connection in /proc/net/tcp (proc_net_tcp.txt of the kernel's documentation)."""


def established(lines: Iterable[str], vips: frozenset[str]) -> dict[str, frozenset[str]]:
    """VIP -> its open connections, each as ``tickle_tcp`` reads it: own end, then the client's.

    Args:
        lines: /proc/net/tcp. vips: addresses of groups.
    """
    wanted = {_in_hex(vip): vip for vip in vips}
    found: dict[str, set[str]] = {vip: set() for vip in vips}
    for line in lines:
        _, here, there, state, *_ = [*line.split(None, 4), "", "", "", ""]
        vip = wanted.get(here.partition(":")[0])
        if vip is not None and state == ESTABLISHED:
            found[vip].add(f"{_end(here)} {_end(there)}")
    return {vip: frozenset(ends) for vip, ends in found.items()}


def _in_hex(address: str) -> str:
    """As the kernel of a little-endian machine prints it."""
    return f"{struct.unpack('<I', socket.inet_aton(address))[0]:08X}"


def _end(text: str) -> str:
    address, _, port = text.partition(":")
    return f"{socket.inet_ntoa(struct.pack('<I', int(address, 16)))}:{int(port, 16)}"


def follow(config: Config, memory: Memory, seen: Observation) -> tuple[Memory, list[Action]]:
    """One pass: note whoever was connected in two looks in a row.

    One that came and went between two looks is not worth a write to a replicated disk.
    """
    connected, noted = dict(memory.connected), dict(memory.noted)
    actions: list[Action] = []
    for group in config.groups:
        name = group.name
        if not group.connections:
            continue
        if seen.holding(group) is not Holding.HELD:
            connected.pop(name, None)
            noted.pop(name, None)
            continue
        found = seen.connections.get(group.vip)
        if found is None:
            continue
        before = connected.get(name)
        connected[name] = found
        if before is None or name in memory.leaving:
            continue
        lasting = tuple(sorted(found & before)[:MOST])
        if lasting != noted.get(name):
            noted[name] = lasting
            actions.append(
                Note(path=group.connections, text="".join(f"{ends}\n" for ends in lasting))
            )
    return replace(memory, connected=connected, noted=noted), actions
