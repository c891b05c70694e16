"""The reconciler of a GTID pair: what was seen goes in, one safe step comes out.

**Invariant.** At no instant two servers acknowledge writes, and every acknowledged write is on each
server that is ever opened for writing.

It rests on four rules. Each is local to one node, and holds if that node dies between two steps:

1. A source acknowledges what its replica has received, without a limit of time. It goes on *alone*
   only when the fence endpoint has granted (the peer is off), or when the peer itself says, over
   this node's own connection to it, that it is read-only and has *waived*.
2. A node that waives is no longer *current*: it forgets so first. It acknowledges again only to a
   source that it has seen alone, and is current again when it has all that this source has and has
   seen it wait twice. So between a waiver that was seen and the going alone nothing gets current.
3. A node is opened, waiting, when all it received is applied and its own receiver is stopped, and
   a) the peer answers, read-only, with nothing that this node lacks, and this node has not waived;
   b) or the endpoint has granted, and this node is current.
4. A boot clears met, current and granted. A node that has met nobody since is passive.

The VIP says who of two read-only nodes *wants* to be source. It never says who may; and who may
have the VIP is said here as well (``holding``). A node that leaves, in a shutdown, does what a
switchover does, and ends when its peer is source alone: nobody is powered off for its silence.

One look at both servers precedes each step. A step is done over the connection of the look, so it
fails if the server was started again meanwhile. What a step takes from a node is remembered before
it, what it gives after it (``before`` and ``after``).
"""

from __future__ import annotations

from dataclasses import dataclass

from bootstrap.blocks.gtid_pair.program.holding import LEAD_S, gives_up, placed
from bootstrap.blocks.gtid_pair.program.remember import before, remember, tail_only
from bootstrap.blocks.gtid_pair.program.seen import Applier, Fence, Memory, Observation, Server
from bootstrap.blocks.gtid_pair.program.step import Choice, Errant, Settings, Step

NO_VIP_S = 2.0
"""Before a source gives up: longer than a VIP is nowhere while it moves and comes back."""
SECOND_S = 1.5
"""Head start of the first node, where both hold the VIP and either may be promoted."""
BEHIND_S = 5.0
"""By which a replica may be behind when its source waits for it again: so long a write then waits.
Two machines that are busy are seconds apart for minutes, without a second copy (seen)."""
STUCK_S = 15.0
"""For which a peer that answers may acknowledge nothing: its reconciler mends it sooner."""


@dataclass(frozen=True, kw_only=True)
class Decision:
    """The step, and what to remember before it is done."""

    memory: Memory
    """To be kept before the step."""
    step: Step
    """What to do."""
    why: str
    """Reason, in words; what a waiting node waits for."""


def decide(settings: Settings, memory: Memory, seen: Observation, now: float) -> Decision:
    """The one step that is safe now.

    Args:
        settings: of this node. memory: as kept after the last step. seen: of this moment.
        now: monotonic seconds.
    """
    known = placed(settings, remember(memory, seen, now), seen, now)
    step, why = _step(settings, known, seen, now)
    return Decision(memory=before(known, step), step=step, why=why)


def _step(settings: Settings, memory: Memory, seen: Observation, now: float) -> Choice:
    own, peer = seen.own, seen.peer
    if own is None:
        return Step.NOTHING, "the own server gives no answer"
    if not own.read_only:
        if peer is None:
            return _source_without_answer(settings, memory, seen, own, now)
        return _source(settings, memory, seen, own, peer, now)
    if peer is None:
        return _replica_without_answer(settings, memory, seen, own, now)
    if _is_replaced(memory, seen, own, peer) and not seen.leaving:
        why = "a copy was begun and not ended" if seen.torn else "a person has asked for a new copy"
        return (Step.WAIVE if own.acks else Step.CLONE), why
    if peer.read_only:
        return _both_read_only(settings, memory, seen, own, peer, now)
    return _replica(settings, memory, seen, own, peer)


def _is_replaced(memory: Memory, seen: Observation, own: Server, peer: Server) -> bool:
    """Whether the own data give way to a copy, which no person wants of a node that is ahead.

    The word may be older than a promotion: it counts where the peer is source, where it has all
    that is here, applied, and where this node could not be promoted with it anyhow.
    """
    harmless = not peer.read_only or bool(memory.quarantined) or own.executed <= peer.executed
    return seen.torn or (seen.rebuild and harmless)


def _silent(settings: Settings, memory: Memory, now: float) -> bool:
    """Whether the peer has given no sign for so long that it is to be powered off."""
    mute, silent = memory.mute_since, memory.silent_since
    return (mute is not None and now - mute >= settings.silence_s) or (
        silent is not None and now - silent >= settings.restart_s
    )


def _unheard(settings: Settings, memory: Memory, seen: Observation, why: str, now: float) -> Choice:
    """Nothing is granted yet: ask whether the peer is off, and in the end for its power-off."""
    if seen.fence is Fence.ASKING:
        return Step.NOTHING, why
    if _silent(settings, memory, now):
        return Step.ASK, why
    if memory.mute_since is not None:
        return Step.PROBE, why
    return Step.NOTHING, f"{why}: its machine answers, its server not yet"


def _source_without_answer(
    settings: Settings, memory: Memory, seen: Observation, own: Server, now: float
) -> Choice:
    if not own.waits:
        return (Step.LEAVE if seen.leaving else Step.NOTHING), "alone"
    if memory.granted:
        return Step.GO_ALONE, "the peer is off"
    if seen.leaving:
        return (Step.LEAVE if _silent(settings, memory, now) else Step.NOTHING), "nobody follows"
    if seen.vip:
        why = "writes wait for an acknowledgement, and the peer is silent"
        return _unheard(settings, memory, seen, why, now)
    return Step.NOTHING, "the peer is silent"


def _source(
    settings: Settings, memory: Memory, seen: Observation, own: Server, peer: Server, now: float
) -> Choice:
    if not peer.read_only:
        if own.waits and (not peer.waits or not settings.first):
            return Step.KILL, "the peer is source as well"
        if not own.waits and not peer.waits and not settings.first:
            return Step.KILL, "both nodes acknowledge alone"
        return Step.NOTHING, "the peer is source as well, and gives up"
    if not own.waits:
        caught_up = memory.behind_s is not None and memory.behind_s <= BEHIND_S
        if peer.acks and own.clients and peer.connected and caught_up:
            return Step.WAIT, "the peer has caught up"
        return Step.NOTHING, "alone"
    if not peer.acks:
        return Step.GO_ALONE, "the peer has waived"
    if memory.stuck_since is not None and now - memory.stuck_since >= STUCK_S and seen.vip:
        step = Step.NOTHING if seen.fence is Fence.ASKING else Step.ASK
        return step, "the peer answers and acknowledges nothing"
    away = memory.no_vip_since is not None and now - memory.no_vip_since >= NO_VIP_S
    reason = gives_up(memory, seen, now) or ("the VIP is not here" if away else "")
    follows = own.clients and peer.connected and peer.applier is Applier.RUNNING
    if reason and follows and memory.before is not None and memory.before <= peer.executed:
        return Step.DEMOTE, reason
    return Step.NOTHING, reason or "source"


def _replica_without_answer(
    settings: Settings, memory: Memory, seen: Observation, own: Server, now: float
) -> Choice:
    if seen.leaving:
        return (Step.LEAVE if _silent(settings, memory, now) else Step.NOTHING), "it leaves"
    if not memory.met and not seen.activated:
        return Step.NOTHING, "it has not met its peer since it booted"
    if not memory.current:
        return Step.NOTHING, "it may lack what the peer has acknowledged"
    if memory.quarantined:
        return Step.NOTHING, memory.quarantined
    if memory.granted:
        return _open(own) or (Step.OPEN, "the peer is off")
    return _unheard(settings, memory, seen, "the peer is silent", now)


def _open(own: Server) -> Choice | None:
    """What must be done before it may be opened; None: nothing."""
    if own.follows:
        return Step.STOP_RECEIVER, "to be promoted"
    if own.received <= own.executed:
        return None
    if own.applier is Applier.STOPPED or own.waits:
        return Step.APPLY, "to be promoted"
    return Step.NOTHING, "what was received is not applied yet"


def _both_read_only(
    settings: Settings, memory: Memory, seen: Observation, own: Server, peer: Server, now: float
) -> Choice:
    if memory.quarantined:
        return (Step.LEAVE if seen.leaving else Step.NOTHING), memory.quarantined
    reason = gives_up(memory, seen, now)
    if reason:
        return (Step.WAIVE if own.acks else Step.NOTHING), reason
    if not peer.has <= own.executed:
        behind = _starts(own)
        return behind or (Step.NOTHING, "the peer has more, and it follows")
    lacking = memory.lead_since is not None and now - memory.lead_since >= LEAD_S
    if own.acks and not seen.vip and (memory.demoted or lacking):
        return Step.WAIVE, "the VIP is not here: it is the other node's turn"
    if not own.acks and (seen.vip or not peer.acks):
        return Step.ARM, "to be promoted"
    if not seen.vip:
        return Step.NOTHING, "no node is source yet, and the VIP is not here"
    todo = _open(own)
    if todo is not None:
        return todo
    held_back = memory.clear_since is None or now - memory.clear_since < SECOND_S
    if not settings.first and peer.acks and held_back:
        return Step.NOTHING, "the other node goes first, if it can"
    return Step.OPEN, "the peer is read-only and has nothing more"


def _starts(own: Server) -> Choice | None:
    if not own.follows or own.applier is Applier.STOPPED or own.waits:
        return Step.FOLLOW, "to have what the peer has"
    return None


def _replica(
    settings: Settings, memory: Memory, seen: Observation, own: Server, peer: Server
) -> Choice:
    if seen.leaving:
        if own.acks:
            return Step.WAIVE, "it leaves"
        return (Step.LEAVE if peer.alone else Step.NOTHING), "the source goes alone first"
    if memory.quarantined:
        if own.acks:
            return Step.WAIVE, memory.quarantined
        if own.follows:
            return Step.STOP_RECEIVER, memory.quarantined
        if settings.errant is Errant.REBUILD and tail_only(memory, own, peer):
            return Step.CLONE, "what the source lacks was never acknowledged"
        return Step.NOTHING, memory.quarantined
    if memory.joined:
        return _starts(own) or (Step.NOTHING, "replica")
    if own.acks:
        return Step.WAIVE, "it begins to follow"
    if not peer.purged <= own.executed:
        return Step.CLONE, "the source has no log any more of what is missing here"
    if peer.alone:
        return Step.JOIN, "the source is alone"
    return Step.NOTHING, "the source goes alone first"
