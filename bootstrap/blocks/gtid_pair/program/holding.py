"""Who may hold the VIPs: keepalived moves them, and asks here whether it may have them.

At most one node of a pair may hold them, at every instant, whatever becomes of VRRP's adverts: the
source; or with the peer surely off the one that takes over; or, while both are read-only, the one
whose turn it is to become source. So a replica is in FAULT on purpose, and takes no VIP from a
source that it merely does not hear.
"""

from __future__ import annotations

from dataclasses import replace

from bootstrap.blocks.gtid_pair.program.seen import Memory, Observation, Server
from bootstrap.blocks.gtid_pair.program.step import Settings

ASIDE_S = 60.0
"""For which a node leaves it to its peer to become source: a switchover takes a third of it."""
LEAD_S = 20.0
"""For which the node whose turn it is waits for the VIP, before it is the other one's. keepalived
has it within its start delay and a master-down interval; under emulation within ten seconds."""

TURN_S = 8.0
"""After which the first node's turn begins, where nothing else says whose it is. A second one that
had the VIPs, as a source whose server was started again, keeps them for half of it: it is source
again by then, or keepalived has taken them from it."""

STANDS_BY = "the peer is the source"
"""Why a replica that is well does not hold them."""


def placed(settings: Settings, memory: Memory, seen: Observation, now: float) -> Memory:
    """The memory with whether the VIPs may be here, and since when they should have come."""
    may, _ = holding(settings, memory, seen, now)
    lacks = may and not seen.vip and seen.own is not None and seen.own.read_only
    since = memory.lead_since if memory.lead_since is not None else now
    return replace(memory, may_hold=may, lead_since=since if lacks else None)


def holding(settings: Settings, memory: Memory, seen: Observation, now: float) -> tuple[bool, str]:
    """Whether this node may hold the VIPs, and why or why not."""
    own, peer = seen.own, seen.peer
    if own is None:
        # A source that is started again keeps them: nobody else may have them meanwhile.
        return memory.may_hold, "its server gives no answer"
    if not own.read_only:
        return True, "it is the source"
    if memory.quarantined:
        return False, memory.quarantined
    if peer is None:
        return _without_answer(memory, seen)
    if not peer.read_only:
        return False, STANDS_BY
    reason = gives_up(memory, seen, now)
    if reason:
        return False, reason
    if not peer.has <= own.has:
        return False, "the peer has more"
    if not leads(settings, memory, seen, own, peer, now):
        return False, "it is the peer's turn to become source"
    return True, "no node is source yet"


def _without_answer(memory: Memory, seen: Observation) -> tuple[bool, str]:
    if not memory.met and not seen.activated:
        return False, "it has not met its peer since it booted"
    if not memory.current:
        return False, "it may lack what the peer has acknowledged"
    return memory.granted, "the peer is off" if memory.granted else "the peer is silent"


def gives_up(memory: Memory, seen: Observation, now: float) -> str:
    """Why this node leaves it to its peer to be source; empty: it does not."""
    if seen.leaving:
        return "this machine is being shut down"
    if seen.standby:
        return "a person wants the peer to be source"
    if memory.aside_since is not None and now - memory.aside_since < ASIDE_S:
        return f"its server has ended {len(memory.ends)} times as a source in ten minutes"
    return ""


def leads(
    settings: Settings, memory: Memory, seen: Observation, own: Server, peer: Server, now: float
) -> bool:
    """Whether it is this node's turn, of two read-only servers that have the same."""
    if own.acks != peer.acks:
        return own.acks
    if own.follows != peer.follows:
        return peer.follows
    tied_s = now - memory.tied_since if memory.tied_since is not None else 0.0
    if settings.first:
        return seen.vip or tied_s >= TURN_S
    return seen.vip and tied_s < TURN_S / 2
