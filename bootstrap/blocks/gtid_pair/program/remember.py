"""What a reconciler knows after a look, before a step and after it."""

from __future__ import annotations

from dataclasses import replace

from bootstrap.blocks.gtid_pair.program.seen import Fence, Memory, Observation, Server
from bootstrap.blocks.gtid_pair.program.step import Step
from bootstrap.shared.gtids import Gtids

LOOKS_WAITING = 2
"""Looks in a row: a write that passed the gate before it closed has ended by the second."""
GAP_S = 10.0
"""Without a look: a peer that was off may have been started, and opened, unseen. A pass takes less,
and no machine boots, meets its peer and is opened so fast."""
ENDS_S = 600.0
"""For which the end of a source's server is remembered. After ten minutes a server that ends again
is no reason to move any more (as the hand-overs of a pair under Heartbeat)."""
TORN = "a copy of its peer was begun and not ended: its data may be parts of both"
ENDS = 2
"""Ends within that time from which the peer is the better source."""


def remember(memory: Memory, seen: Observation, now: float) -> Memory:
    """What this look adds to the memory, and takes from it."""
    own, peer = seen.own, seen.peer
    if own is not None and own.life != memory.life:
        memory = _another_life(memory, own.life, now)
    memory = _measured(replace(_heard(memory, seen, now), looked=now), seen, now)
    if seen.activated and peer is None:
        memory = replace(memory, current=True)
    if own is None:
        return memory
    memory = _as_replica(memory, own, peer) if own.read_only else _as_source(memory, own, peer)
    if seen.torn and own.read_only:
        memory = replace(memory, quarantined=TORN, current=False)
    away = not own.read_only and not seen.vip
    stuck = not own.read_only and own.waits and peer is not None and not own.clients
    both = own.read_only and peer is not None and peer.read_only
    tied = both and peer is not None and own.acks == peer.acks and own.follows == peer.follows
    return replace(
        memory,
        ends=tuple(at for at in memory.ends if now - at < ENDS_S),
        no_vip_since=_since(memory.no_vip_since, away, now),
        stuck_since=_since(memory.stuck_since, stuck, now),
        clear_since=_since(memory.clear_since, both and seen.vip, now),
        tied_since=_since(memory.tied_since, tied, now),
    )


def _since(before: float | None, holds: bool, now: float) -> float | None:
    """When something began that holds now; None: it does not."""
    if not holds:
        return None
    return now if before is None else before


def _measured(memory: Memory, seen: Observation, now: float) -> Memory:
    """How far the replica of a source that is alone is behind: a mark is kept until it has that.

    A mark that moved with each look would never be reached by one that needs longer than a look.
    """
    own, peer = seen.own, seen.peer
    if own is None or not own.alone:
        return replace(memory, mark=None, behind_s=None)
    if memory.mark is None:
        return replace(memory, mark=own.executed, marked=now, behind_s=None)
    if peer is None or not memory.mark <= peer.has:
        return replace(memory, behind_s=None)
    return replace(memory, mark=own.executed, marked=now, behind_s=now - memory.marked)


def _another_life(memory: Memory, life: str, now: float) -> Memory:
    # A replica's relay log is read anew from its source when it starts: it is not current. An
    # ex-source's own writes are in its own log.
    kept = memory.current and memory.was_source and bool(memory.life)
    if memory.was_open:
        ends = (*memory.ends, now)
        again = memory.aside_since is None or now - memory.aside_since >= ENDS_S
        aside = now if len(ends) >= ENDS and again else memory.aside_since
        memory = replace(memory, ends=ends, aside_since=aside, was_open=False)
    return replace(memory, life=life, joined=False, waited=0, current=kept)


def _heard(memory: Memory, seen: Observation, now: float) -> Memory:
    if seen.peer is not None:
        return replace(memory, met=True, granted=False, silent_since=None, mute_since=None)
    granted = memory.granted or seen.fence is Fence.GRANTED
    return replace(
        memory,
        silent_since=_since(memory.silent_since, True, now),
        mute_since=_since(memory.mute_since, not seen.refused, now),
        granted=(granted and now - memory.looked < GAP_S) or seen.activated,
        waited=0,
    )


def _as_replica(memory: Memory, own: Server, peer: Server | None) -> Memory:
    memory = replace(memory, was_open=False)
    if peer is None:
        return memory
    demoted = memory.demoted and peer.read_only
    memory = replace(memory, quarantined=_errant(own, peer), demoted=demoted)
    if peer.alone:
        memory = replace(memory, current=False)
    waits = not peer.read_only and peer.waits
    memory = replace(memory, waited=memory.waited + 1 if waits else 0)
    acknowledges = memory.joined and own.acks and own.connected and peer.clients > 0
    if acknowledges and memory.waited >= LOOKS_WAITING and peer.executed <= own.has:
        memory = replace(memory, current=True)
    return memory


def _as_source(memory: Memory, own: Server, peer: Server | None) -> Memory:
    memory = replace(memory, waited=0, joined=False, quarantined="", demoted=False, was_open=True)
    if own.waits and peer is not None and peer.read_only and own.executed <= peer.has:
        return replace(memory, was_alone=False)
    return memory


def before(memory: Memory, step: Step) -> Memory:
    """What must be forgotten, or written down, before a step is done."""
    if step in (Step.WAIVE, Step.KILL, Step.CLONE):
        return replace(memory, current=False, joined=False, demoted=False, may_hold=False)
    if step is Step.OPEN:
        return replace(memory, current=True, joined=False, was_source=True)
    if step is Step.GO_ALONE:
        return replace(memory, was_alone=True)
    return memory


def after(memory: Memory, step: Step, seen: Observation) -> Memory:
    """What a step that was done has given."""
    if step is Step.JOIN:
        return replace(memory, joined=True, waited=0, was_source=False, was_alone=False)
    if step in (Step.DEMOTE, Step.CLONE):
        memory = replace(memory, was_source=False, was_alone=False, demoted=step is Step.DEMOTE)
    own = seen.own
    return replace(memory, before=own.executed if own is not None else None)


def tail_only(memory: Memory, own: Server, peer: Server) -> bool:
    """Whether what the source lacks was surely never acknowledged to anybody.

    So it is when this server has made it as a source that waited, and has followed nobody since.
    """
    extra = _extra(own, peer)
    return memory.was_source and not memory.was_alone and extra == extra.made_by(own.uuid)


def _extra(own: Server, peer: Server) -> Gtids:
    """Transactions that the peer lacks. Its own reach us before it counts them as executed."""
    extra = own.executed - peer.has
    return extra - extra.made_by(peer.uuid)


def _errant(own: Server, peer: Server) -> str:
    extra = _extra(own, peer)
    if not extra:
        return ""
    if not peer.read_only:
        return f"it has transactions that the source lacks: {extra.text()}"
    if peer.has <= own.executed:
        return ""
    return f"both nodes have transactions that the other one lacks; here: {extra.text()}"
