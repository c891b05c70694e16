"""Groups that must leave this node, and groups that should have come and did not.

Both go through Heartbeat, and only while it is sure of itself: never during a transition. A group
leaves only to a peer that is alive with an up-to-date disk; one is asked for only when the peer is
proven passive or off.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from bootstrap.blocks.monitor.program.actions import Request, Standby, Takeover
from bootstrap.blocks.monitor.program.config import Config, Group
from bootstrap.blocks.monitor.program.memory import Memory, Move
from bootstrap.blocks.monitor.program.seen import Holding, Now, Observation

TRANSITION = "transition"
STAYS_S = 600.0
"""A group that came back within this time after it was handed over from here stays: two
hand-overs, one by each node."""
LEAVE_S = 30.0
"""Within this time a group that was handed over has begun to go; else it is asked again."""
STABLE_S = 3.0
"""How long Heartbeat must be stable and a group missing before it counts as lost."""
GAVE_UP_S = 45.0
"""Heartbeat that gives a start up hands the group over by itself after 30 s (ResourceManager)."""
REPAIR_S = 15.0
"""What a take-over may take before it is asked for again."""
QUICK_REQUESTS = 3
"""Requests in a row; after them one each SLOW_S."""
SLOW_S = 60.0


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Whether a group may move now."""

    go: bool = False
    """It may."""
    wait: bool = False
    """Not yet known; the next look says more."""
    stays: bool = False
    """It has moved enough."""
    why: str = ""
    """Why it may not."""


def note(config: Config, memory: Memory, seen: Observation, now: Now) -> Memory:
    """Follow what groups do by themselves: who came, who is coming, who fell back."""
    memory = _heartbeat(memory, seen, now)
    arrivals, was = list(memory.arrivals), dict(memory.was)
    rising, fell, leaving = set(memory.rising), dict(memory.fell), dict(memory.leaving)
    for group in config.groups:
        name, how = group.name, seen.holding(group)
        before = was.get(name, Holding.ABSENT)
        if how is Holding.HELD:
            if before is not Holding.HELD and (name in rising or before is Holding.ABSENT):
                arrivals.append(Move(group=name, wall=now.wall))
            rising.discard(name)
            fell.pop(name, None)
        elif how is Holding.PARTLY and before is Holding.ABSENT:
            rising.add(name)
        elif how is Holding.ABSENT and name in rising:
            rising.discard(name)
            fell[name] = now.mono
        if how is not Holding.HELD or now.mono - leaving.get(name, now.mono) > LEAVE_S:
            leaving.pop(name, None)
        was[name] = how
    return replace(
        memory,
        arrivals=tuple(arrivals),
        was=was,
        rising=frozenset(rising),
        fell=fell,
        leaving=leaving,
    )


def _heartbeat(memory: Memory, seen: Observation, now: Now) -> Memory:
    if seen.heartbeat != "active":
        return replace(memory, rscstatus="", changing_since=None)
    if seen.rscstatus is None:
        return memory
    since = memory.changing_since if memory.changing_since is not None else now.mono
    return replace(
        memory,
        rscstatus=seen.rscstatus,
        rscstatus_at=now.mono,
        changing_since=since if seen.rscstatus == TRANSITION else None,
    )


def may_leave(config: Config, memory: Memory, seen: Observation, now: Now, group: Group) -> Verdict:
    """Whether the peer may have a group that is broken here."""
    if group.name in memory.leaving:
        return Verdict(wait=True)
    if _stays(memory, group, now):
        return Verdict(
            stays=True,
            why=f"it was handed over and came back within {STAYS_S / 60:.0f} minutes",
        )
    state = seen.state(group)
    if not (state.linked and state.peer_disk == "UpToDate"):
        return Verdict(
            why=f"{config.peer} has no up-to-date disk of it"
            f" ({state.cs}, {state.disk}/{state.peer_disk})"
        )
    if seen.rscstatus is None or seen.peer is None or seen.rscstatus == TRANSITION:
        return Verdict(wait=True)
    if seen.peer != "active":
        return Verdict(why=f"Heartbeat of {config.peer} is {seen.peer}")
    return Verdict(go=True)


def _stays(memory: Memory, group: Group, now: Now) -> bool:
    left = [
        m.wall for m in memory.handovers if m.group == group.name and now.wall - m.wall < STAYS_S
    ]
    return any(m.group == group.name and m.wall >= min(left) for m in memory.arrivals if left)


def hand_over(
    config: Config, memory: Memory, seen: Observation, now: Now, groups: Sequence[Group]
) -> tuple[Memory, tuple[Standby, ...]]:
    """Ask Heartbeat to give groups to the peer; what goes with them is remembered alike."""
    if "move" in seen.running:
        return memory, ()
    side = config.side_of_all(tuple(groups))
    going = [
        g
        for g in config.groups
        if side in ("all", config.side(g)) and seen.holding(g) is Holding.HELD
    ]
    moved = tuple(Move(group=g.name, wall=now.wall) for g in going)
    return (
        replace(
            memory,
            handovers=(*memory.handovers, *moved),
            leaving={**memory.leaving, **{g.name: now.mono for g in going}},
        ),
        (Standby(side=side),),
    )


def missing(config: Config, seen: Observation) -> tuple[Group, ...]:
    """Groups that may be lost: not whole here, and a sign that the peer has them not either.

    Heartbeat is asked about these alone: a question costs a process.
    """

    def nowhere(group: Group) -> bool:
        state = seen.state(group)
        if seen.holding(group) is Holding.HELD or state.peer_role == "Primary":
            return False
        return state.peer_role == "Secondary" or state.peer_disk == "Outdated" or seen.peer_off

    return tuple(group for group in config.groups if nowhere(group))


def peer_is_harmless(seen: Observation, group: Group) -> bool:
    """Whether the peer is proven passive, or proven off, for a group."""
    state = seen.state(group)
    if seen.peer == "active":
        # A mark that the peer is off says nothing about one that is heard.
        return state.peer_role == "Secondary" or state.peer_disk == "Outdated"
    # One that just joins ("up", "init") is neither passive nor off yet.
    return seen.peer == "dead" and (state.peer_disk == "Outdated" or seen.peer_off)


def may_promote(seen: Observation, group: Group) -> bool:
    """Whether DRBD would let this node have it: else a request is in vain."""
    state = seen.state(group)
    return state.disk == "UpToDate" or (state.linked and state.peer_disk == "UpToDate")


def ask_again(
    config: Config, memory: Memory, seen: Observation, now: Now
) -> tuple[Memory, tuple[Takeover | Request, ...]]:
    """Find the groups whose take-over got lost, and ask Heartbeat for them."""
    requests = {
        group.name: memory.requests[group.name]
        for group in config.groups
        if group.name in memory.requests and seen.holding(group) is not Holding.HELD
    }
    wanted = missing(config, seen)
    if wanted and seen.rscstatus is None:
        return replace(memory, requests=requests), ()
    lost = {
        group.name: memory.lost.get(group.name, now.mono)
        for group in wanted
        if seen.rscstatus in ("all", config.side(group)) and peer_is_harmless(seen, group)
    }
    due = [
        group
        for group in wanted
        if now.mono - lost.get(group.name, now.mono) >= STABLE_S
        and now.mono - memory.fell.get(group.name, -GAVE_UP_S) >= GAVE_UP_S
        and may_promote(seen, group)
        and _is_time(requests.get(group.name, ()), now)
    ]
    if any(key == "move" or key.startswith("request ") for key in seen.running):
        due = []
    for group in due:
        requests[group.name] = (*requests.get(group.name, ()), now.mono)
    memory = replace(memory, lost=lost, requests=requests)
    return memory, _requests(config, seen, due)


def _requests(
    config: Config, seen: Observation, due: Iterable[Group]
) -> tuple[Takeover | Request, ...]:
    groups = tuple(due)
    if groups and seen.peer == "active":
        return (Takeover(side=config.side_of_all(groups)),)
    # hb_takeover is a message to the peer, which has to answer it: one that is off does not.
    return tuple(Request(group_key=group.key, node=config.node) for group in groups)


def _is_time(requests: tuple[float, ...], now: Now) -> bool:
    if not requests:
        return True
    pause = REPAIR_S if len(requests) < QUICK_REQUESTS else SLOW_S
    return now.mono - requests[-1] >= pause
